// @ts-check
/**
 * Where the focus of who works by keyboard goes when what has it goes: never to the top of the page
 * (WCAG 2.4.3).
 *
 * - What rests while something is on its way gets it back.
 * - Out of a list it goes to what took the place, and there to the same control; else to what is
 *   nearest, but into no field, where the next key would be written.
 * - Out of a dialog or a note that closes it goes to where it was before.
 *
 * @typedef {{element: Element, around: Element[], before: Place|null}} Place
 *   `around`: what it is in, the nearest first; `before`: where the focus was outside of the layer
 */

import { takesText } from "./taken.js";

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const LAYER = "dialog, [role=status], [role=alert]";

/** Keep it in all of this page from now on. @param {Element} root */
export function keepFocus(root) {
  /** @type {Place|null} */
  let held = null;
  let isByKey = false;

  const look = (/** @type {MutationRecord[]} */ changes) => {
    const now = document.activeElement;
    if (!isByKey || held === null || (now !== null && now !== document.body)) return;
    for (let place = /** @type {Place|null} */ (held); place !== null; place = place.before) {
      if (place.element.isConnected && isShown(place.element)) {
        if (isReady(place.element)) focus(place.element);
        return; // it rests
      }
      const next = place.element.isConnected ? undefined : heir(place, changes, root);
      if (next !== undefined) return focus(next);
    }
  };
  document.addEventListener("keydown", () => (isByKey = true), true);
  document.addEventListener("pointerdown", ({ target }) => {
    isByKey = false;
    if (target instanceof Element && target.closest(FOCUSABLE) === null) held = null;
  }, true);
  document.addEventListener("focusin", ({ target }) => {
    if (!(target instanceof Element) || target === document.body) return;
    const layer = target.closest(LAYER);
    const before = held !== null && held.element.closest(LAYER) === layer ? held.before : held;
    held = { element: target, around: parents(target), before: layer === null ? null : before };
  });
  new MutationObserver(look).observe(root, { childList: true, subtree: true, attributeFilter: ["disabled", "open"] });
}

/** @param {Element} element */
function focus(element) {
  /** @type {HTMLElement} */ (element).focus();
}

/** @param {Element} element @returns {Element[]} */
function parents(element) {
  const found = [];
  for (let each = element.parentElement; each !== null; each = each.parentElement) found.push(each);
  return found;
}

/** @param {Element} element */
const isShown = (element) => element.checkVisibility({ visibilityProperty: true });

/** @param {Element} element */
const isReady = (element) => !element.matches(":disabled") && isShown(element);

/** What has the place of what is gone. @param {Place} place @param {MutationRecord[]} changes @param {Element} root */
function heir(place, changes, root) {
  const mine = new Set([place.element, ...place.around]);
  const removal = changes.find(({ target, removedNodes }) => target.isConnected && [...removedNodes].some((node) => mine.has(/** @type {Element} */ (node))));
  if (removal === undefined) return undefined;
  const gone = [...removal.removedNodes].find((node) => mine.has(/** @type {Element} */ (node)));
  const index = gone instanceof Element ? [...gone.querySelectorAll(FOCUSABLE)].indexOf(place.element) : -1;
  let parent = /** @type {Element} */ (removal.target);
  let { previousSibling: left, nextSibling: after } = removal;
  if (!(gone instanceof HTMLLIElement)) {
    // What came in its place stands before it.
    const added = new Set(changes.flatMap(({ addedNodes }) => [...addedNodes]));
    while (left !== null && added.has(left)) [after, left] = [left, left.previousSibling];
  }
  for (;;) {
    const found = nearest(after, left, index);
    if (found !== undefined || parent === root || parent.matches(LAYER)) return found;
    ({ previousSibling: left, nextSibling: after } = parent);
    parent = /** @type {Element} */ (parent.parentElement);
  }
}

/**
 * The first that can take it from `after` on, else the last up to `left`; in a neighbour, the same
 * control.
 * @param {Node|null} after @param {Node|null} left @param {number} index of the control among its item's
 */
function nearest(after, left, index) {
  const same = [after, left].map((each) => each && within(each)[index]).find((each) => each && takes(each));
  if (same) return same;
  for (let each = after; each !== null; each = each.nextSibling) {
    const first = within(each).find(takes);
    if (first !== undefined) return first;
  }
  for (let each = left; each !== null; each = each.previousSibling) {
    const last = within(each).findLast(takes);
    if (last !== undefined) return last;
  }
  return undefined;
}

/** @param {Node} node @returns {Element[]} */
function within(node) {
  if (!(node instanceof Element)) return [];
  return node.matches(FOCUSABLE) ? [node] : [...node.querySelectorAll(FOCUSABLE)];
}

/** @param {Element} element */
function takes(element) {
  return isReady(element) && /** @type {HTMLElement} */ (element).tabIndex >= 0 && !takesText(element);
}
