// @ts-check
/**
 * The class as it was at a moment of its replay: fetched after a seek, folded on from there.
 *
 * Sans-DOM: `at(t)` is told the player's time as it goes, and answers with the state of then.
 *
 * @typedef {ReturnType<typeof moments>} Moments
 * @typedef {{t: number, event: import("../shared/state.js").LogEvent}} Timed
 */

import { fold } from "../shared/state.js";

/** Events are fetched this far ahead, … */
const WINDOW_MS = 60_000;
/** … when less than this is left of them. */
const LEFT_MS = 20_000;
/** A jump further ahead than this asks for the state instead of folding what lies between. */
const FAR_MS = 90_000;

/**
 * @param {{replay: string, api: {get: (path: string) => Promise<any>},
 *   onState: (state: import("../shared/state.js").State) => void}} options
 */
export function moments({ replay, api, onState }) {
  /** What is folded, up to `now`. @type {import("../shared/state.js").State|null} */
  let state = null;
  let sequence = 0;
  let now = 0;
  /** @type {Timed[]} */
  let coming = [];
  let knownTo = 0;
  let isFetching = false;
  /** Counts seeks: what was asked for before the last one is out of date. */
  let seeks = 0;

  /** @param {number} t */
  async function seek(t) {
    const mine = ++seeks;
    isFetching = true;
    try {
      const found = await api.get(`/v1/replays/${replay}/state?t=${Math.round(t)}`);
      if (mine !== seeks) return;
      state = found.state;
      sequence = found.sequence;
      now = t;
      coming = [];
      knownTo = t;
      onState(found.state);
    } finally {
      if (mine === seeks) isFetching = false;
    }
    if (mine === seeks) await fetchAhead();
  }

  async function fetchAhead() {
    const mine = seeks;
    isFetching = true;
    try {
      const to = knownTo + WINDOW_MS;
      let after = 0;
      do {
        const query = `from_ms=${Math.round(knownTo)}&to_ms=${Math.round(to)}&after=${after}`;
        const { items, next } = await api.get(`/v1/replays/${replay}/events?${query}`);
        if (mine !== seeks) return;
        const last = coming.at(-1)?.event.sequence ?? sequence;
        coming.push(...items.filter((/** @type {Timed} */ { event }) => event.sequence > last));
        after = next;
      } while (after !== null);
      knownTo = to;
    } finally {
      if (mine === seeks) isFetching = false;
    }
  }

  return {
    /**
     * The player is at `t` now, in milliseconds. Resolves when the state of then has been told, or
     * rejects with what kept it from being known; to ask again is harmless.
     * @param {number} t
     */
    async at(t) {
      if (state === null || t < now || t > now + FAR_MS) return seek(t);
      const due = coming.findIndex((each) => each.t > t);
      const passed = coming.splice(0, due === -1 ? coming.length : due);
      now = t;
      if (passed.length > 0) {
        state = passed.reduce((folded, { event }) => fold(folded, event), state);
        sequence = passed[passed.length - 1].event.sequence;
        onState(state);
      }
      if (!isFetching && knownTo - t < LEFT_MS) await fetchAhead();
    },
  };
}
