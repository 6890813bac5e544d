// @ts-check
/**
 * A page's keys: a table of what they do, a dialog that lists them, and a switch to turn single
 * keys off (WCAG 2.1.4), which this browser remembers.
 *
 * Single keys rest while somebody writes, looks at a dialog, or is where a key means something else.
 * A key with Control ("Control+d"; Command on a Mac) works everywhere and always, but for one that
 * `yields`: where one writes, it is the field's.
 *
 * @typedef {{key: string, label: string, action: () => void, yields?: boolean}} Shortcut
 *   `key`: "r", "?", "ArrowLeft", "Control+d".
 */

import { html, useLayoutEffect, useRef } from "./html.js";
import { remembered } from "./remembered.js";
import { signal } from "./signals.js";
import { t } from "./strings.js";
import { isTaken } from "./taken.js";
import { later } from "./ui/later.js";

const KeyList = later(() => import("./keylist.js"), "KeyList");
const LIST = "?";

/** Whether single keys do something. */
export const areOn = remembered("keys", true, [true, false]);
/** Whether the list of keys is shown. */
export const isListed = signal(false);

/** What a control says in `aria-keyshortcuts`, while its key works. @param {string} key */
export function keyed(key) {
  return areOn.value || key.includes("+") ? cap(key) : undefined;
}

/** A label with its key, for a tooltip. @param {string} label @param {string} key */
export function hinted(label, key) {
  return keyed(key) ? t("keys.hint", { label, key: cap(key) }) : label;
}

/**
 * The shortcut that an event of the keyboard asks for, or undefined.
 * @template {{key: string, yields?: boolean}} S
 * @param {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 * @param {S[]} shortcuts
 * @param {{isTaken: boolean, isOn: boolean}} now
 */
export function asked(event, shortcuts, { isTaken, isOn }) {
  if (event.altKey) return undefined;
  const isControlled = event.ctrlKey || event.metaKey;
  if (!isControlled && (isTaken || !isOn)) return undefined;
  // On a keyboard of another script, the key in the same place.
  const letter = /^[^\x00-\x7f]$/.test(event.key) ? event.code.replace(/^Key/, "") : event.key;
  const pressed = (isControlled ? `Control+${letter}` : letter).toLowerCase();
  return shortcuts.find(({ key, yields }) => key.toLowerCase() === pressed && !(yields && isTaken));
}

/** Makes the keys work while it is on the page, and lists them. @param {{shortcuts: Shortcut[]}} props */
export function Keys({ shortcuts }) {
  const all = [...shortcuts, { key: LIST, label: t("keys.list"), action: () => (isListed.value = true) }];
  const current = useRef(all);
  current.current = all;
  // Not useEffect, which is later than what is seen: a key pressed in between would be lost.
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const press = (event) => {
      if (event.defaultPrevented || event.repeat) return;
      const shortcut = asked(event, current.current, { isTaken: isTaken(event.target, event.key), isOn: areOn.value });
      if (shortcut === undefined) return;
      event.preventDefault();
      shortcut.action();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  return html`<${KeyList} shortcuts=${all} />`;
}

/** How a key is written. @param {string} key */
export function cap(key) {
  return key.replace(/(^|\+)([a-z])$/, (_, before, letter) => before + letter.toUpperCase());
}
