// @ts-check
/** Lists that do not move under the pointer, or away from who is reading them by keyboard. */

import { useLayoutEffect, useRef, useState } from "../shared/html.js";

/**
 * Return `items` in the order that they had, without those that are gone; and how many are new.
 * @template T
 * @param {string[]} order The keys, as they are shown.
 * @param {T[]} items As they should stand.
 * @param {(item: T) => string} keyOf
 */
export function held(order, items, keyOf) {
  const known = new Map(items.map((item) => [keyOf(item), item]));
  const shown = order.flatMap((key) => known.get(key) ?? []);
  return { shown, more: items.length - shown.length };
}

/**
 * Put `ref` on the list: while it is hovered or focused, it stands still, and `more` says how many
 * wait; `release` lets them in, and so does another order, which somebody asked for.
 * @template T
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {string} sort What they are sorted by.
 */
export function useSteady(items, keyOf, sort) {
  const ref = useRef(/** @type {HTMLElement|null} */ (null));
  const order = useRef(/** @type {string[]} */ ([]));
  const sorted = useRef(sort);
  const [, look] = useState({});
  useLayoutEffect(() => {
    const list = ref.current;
    const again = () => look({});
    const events = ["pointerenter", "pointerleave", "focusin", "focusout"];
    for (const event of events) list?.addEventListener(event, again);
    return () => {
      for (const event of events) list?.removeEventListener(event, again);
    };
  }, []);
  const isHeld = ref.current !== null && (hovers(ref.current) || ref.current.contains(document.activeElement));
  if (!isHeld || sorted.current !== sort) order.current = items.map(keyOf);
  sorted.current = sort;
  const release = () => {
    order.current = items.map(keyOf);
    look({});
  };
  return { ref, release, ...held(order.current, items, keyOf) };
}

/** A finger hovers over nothing. @param {Element} element */
function hovers(element) {
  return matchMedia("(hover: hover)").matches && element.matches(":hover");
}
