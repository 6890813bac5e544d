// @ts-check
/**
 * Captions and chapters: WebVTT as our server writes it.
 *
 * @typedef {{start: number, end: number, text: string}} Cue in milliseconds
 */

const TIMES = /^(?:(\d+):)?(\d\d):(\d\d)\.(\d{3}) --> (?:(\d+):)?(\d\d):(\d\d)\.(\d{3})/;
/** @type {Record<string, string>} */
const ESCAPES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": "" };

/** @param {string} text @returns {Cue[]} */
export function cues(text) {
  return text.split(/\n{2,}/).flatMap((block) => {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => TIMES.test(line));
    if (at === -1) return [];
    const parts = /** @type {RegExpMatchArray} */ (lines[at].match(TIMES)).slice(1).map((part) => Number(part ?? 0));
    const said = lines.slice(at + 1).join(" ").trim().replace(/&\w+;/g, (escape) => ESCAPES[escape] ?? escape);
    return [{ start: milliseconds(parts.slice(0, 4)), end: milliseconds(parts.slice(4)), text: said }];
  });
}

/** @param {number[]} parts hours, minutes, seconds, milliseconds */
function milliseconds([hours, minutes, seconds, rest]) {
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest;
}

/** The place of the cue that is on at `t`, or of the last one before; −1 before the first. @param {Cue[]} all @param {number} t */
export function current(all, t) {
  let found = -1;
  for (const [index, { start }] of all.entries()) {
    if (start > t) break;
    found = index;
  }
  return found;
}
