// @ts-check
/**
 * The class as it was at a moment of its replay: fetched after a jump, folded on from there.
 *
 * Sans-DOM: `at(t)` is told the player's time as it goes, and tells the state of then. One request
 * is on its way at a time; whoever drags through an hour asks for where they are, not for all of it.
 *
 * @typedef {ReturnType<typeof moments>} Moments
 * @typedef {{t: number, event: import("../shared/state.js").LogEvent}} Timed
 * @typedef {import("../shared/state.js").State} State
 */

import { fold } from "../shared/state.js";

/** Events are fetched this far ahead, … */
const WINDOW_MS = 60_000;
/** … when less than this is left of them. */
const LEFT_MS = 20_000;
/** A server that could not answer is left in peace for this long. */
const AGAIN_MS = 2_000;

/**
 * @param {{replay: string, api: {get: (path: string) => Promise<any>},
 *   onState: (state: State, view: "staff"|"student") => void}} options
 */
export function moments({ replay, api, onState }) {
  /** Where the player is. */
  let wanted = 0;
  /** What is folded, up to `now`. @type {State|null} */
  let state = null;
  /** @type {"staff"|"student"} */
  let view = "student";
  let sequence = 0;
  let now = 0;
  /** What happens after `now`, as far as it is known. @type {Timed[]} */
  let coming = [];
  let knownTo = -1;
  /** @type {Promise<void>|null} */
  let working = null;

  /** Fold up to where the player is; false: that cannot be known without asking. */
  function advance() {
    if (state === null || wanted < now || wanted > knownTo) return false;
    const due = coming.findIndex((each) => each.t > wanted);
    const passed = coming.splice(0, due === -1 ? coming.length : due);
    now = wanted;
    if (passed.length > 0) {
      state = passed.reduce((folded, { event }) => fold(folded, event), state);
      sequence = passed[passed.length - 1].event.sequence;
      onState(state, view);
    }
    return true;
  }

  async function jump() {
    const to = wanted;
    const found = await api.get(`/v1/replays/${replay}/state?t=${Math.round(to)}`);
    ({ state, sequence, view } = found);
    now = knownTo = to;
    coming = [];
    onState(found.state, view);
  }

  async function fetchAhead() {
    const from = knownTo;
    const to = from + WINDOW_MS;
    /** @type {number|null} */
    let after = 0;
    while (after !== null) {
      const query = `from_ms=${Math.round(from)}&to_ms=${Math.round(to)}&after=${after}`;
      /** @type {{items: Timed[], next: number|null}} */
      const { items, next } = await api.get(`/v1/replays/${replay}/events?${query}`);
      const last = coming.at(-1)?.event.sequence ?? sequence;
      coming.push(...items.filter(({ event }) => event.sequence > last));
      after = next;
    }
    knownTo = to;
  }

  async function work() {
    for (;;) {
      if (wanted < now || wanted > knownTo + WINDOW_MS || state === null) await jump();
      else if (advance() && knownTo - wanted >= LEFT_MS) return;
      else await fetchAhead();
    }
  }

  return {
    /**
     * The player is at `t` now, in milliseconds. Resolves when the state of then has been told, or
     * rejects with what kept it from being known; to ask again is harmless.
     * @param {number} t
     */
    at(t) {
      wanted = t;
      advance();
      working ??= work().then(
        () => void (working = null),
        (problem) => {
          setTimeout(() => (working = null), AGAIN_MS);
          throw problem;
        },
      );
      return working;
    },
  };
}
