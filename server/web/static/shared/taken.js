// @ts-check
/** Where a key already means something: what has the focus comes before a page's own keys. */

const TEXT = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=button])";
/** What arrows move in; a range that follows the page's keys says so. */
const MOVED_BY_ARROWS = "[role=tablist], [popover], [type=radio], [type=range]:not([data-follows-keys])";
const PRESSED_BY_SPACE = "button, summary, a, label, [type=checkbox], [type=radio]";

/** Whether letters are typed into it, or chosen by. @param {EventTarget|null} target */
export function takesText(target) {
  return target instanceof Element && target.closest(TEXT) !== null;
}

/**
 * Whether a key is not the page's now: a dialog is open, somebody writes, or what has the focus
 * uses it.
 * @param {EventTarget|null} target @param {string} key as events name it
 */
export function isTaken(target, key) {
  if (takesText(target) || document.querySelector("dialog[open]") !== null) return true;
  const isIn = (/** @type {string} */ where) => target instanceof Element && target.closest(where) !== null;
  if (key === " ") return isIn(PRESSED_BY_SPACE);
  // What is read by scrolling goes up and down by them.
  if (/Page|Up|Down/.test(key) && isIn(key.startsWith("Page") ? "[role=log]" : "[role=log], aside")) return true;
  return /Arrow|Page/.test(key) && isIn(MOVED_BY_ARROWS);
}
