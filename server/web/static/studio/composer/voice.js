// @ts-check
/** Whether somebody talks, told by how loud they are. */

/** −50 dB, as `listen` tells loudness: from −60 dB up. */
const LOUD = 1 / 6;
/** Between words, voices pause. */
const PAUSE_MS = 400;
const TALK_MS = 1_000;

/** Return what to ask with each loudness: whether there has been talk for a second by now. */
export function talk() {
  let since = 0;
  let heard = -Infinity;
  /** @param {number} level @param {number} now in milliseconds @returns {boolean} */
  return (level, now) => {
    if (level > LOUD) {
      if (now - heard > PAUSE_MS) since = now;
      heard = now;
    }
    return now - heard <= PAUSE_MS && now - since >= TALK_MS;
  };
}
