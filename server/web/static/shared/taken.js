// @ts-check
/** Where a key already means something: what has the focus comes before a page's own keys. */

const TEXT = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=button])";
/** What arrows move in; a range that follows the page's keys says so. */
const MOVED_BY_ARROWS = "[role=tablist], [role=menu], [role=listbox], [popover], [type=radio], [type=range]:not([data-follows-keys])";
/** What is read by scrolling up and down. */
const SCROLLED = "[role=log], aside";
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
  if (key.startsWith("Page")) return isIn(`${MOVED_BY_ARROWS}, [role=log]`);
  if (key === "ArrowUp" || key === "ArrowDown") return isIn(`${MOVED_BY_ARROWS}, ${SCROLLED}`);
  return key.startsWith("Arrow") && isIn(MOVED_BY_ARROWS);
}
