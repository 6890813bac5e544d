// @ts-check
/** Being cut off from the class: for how long, and what was missed when it is back. */

import { signal } from "./signals.js";

/** A loss that heals within this time is not worth a word. */
const QUIET_MS = 3_000;
/** From then on somebody may want to do something about it. */
const LONG_MS = 30_000;
/** So long it is said that one is back. */
const SAID_MS = 15_000;

/** @typedef {ReturnType<typeof absence>} Absence */

export function absence() {
  /** Cut off for longer than a blink. */
  const isAway = signal(false);
  /** Cut off for so long that waiting is no fun any more. */
  const isLong = signal(false);
  /** Just back: how many messages others wrote meanwhile. @type {import("./signals.js").Signal<number|null>} */
  const missed = signal(null);
  /** @type {ReturnType<typeof setTimeout>[]} */
  let timers = [];
  /** The last message before the loss; "": there was none. @type {string|null} */
  let last = null;

  const forget = () => {
    timers.forEach(clearTimeout);
    timers = [];
  };

  return {
    isAway,
    isLong,
    missed,

    /** The connection is lost, or was not there yet. @param {import("./state.js").State} state */
    begin({ messages }) {
      if (last !== null) return;
      last = messages.at(-1)?.message ?? "";
      missed.value = null;
      forget();
      timers = [
        setTimeout(() => (isAway.value = true), QUIET_MS),
        setTimeout(() => (isLong.value = true), LONG_MS),
      ];
    },

    /**
     * Everything up to now is here again. `isReturn`: one had been in the class before.
     * @param {import("./state.js").State} state @param {string|undefined} user @param {boolean} isReturn
     */
    end({ messages }, user, isReturn) {
      if (last === null) return;
      const wasNoticed = isAway.value;
      const since = messages.findIndex(({ message }) => message === last) + 1;
      last = null;
      isAway.value = isLong.value = false;
      forget();
      if (!wasNoticed || !isReturn) return;
      missed.value = messages.slice(since).filter(({ by, removed }) => by !== user && !removed).length;
      timers = [setTimeout(() => (missed.value = null), SAID_MS)];
    },
  };
}
