// @ts-check
/**
 * A page's keys: a table of what they do, a dialog that lists them, and a switch to turn single
 * keys off (WCAG 2.1.4), which this browser remembers.
 *
 * Single keys rest while somebody writes, chooses from a list, or looks at a dialog. A key with
 * Control ("Control+d"; Command on a Mac) works everywhere and always.
 *
 * @typedef {{key: string, label: string, action: () => void}} Shortcut
 *   `key`: "r", "?", "ArrowLeft", "Control+d".
 */

import { html, useLayoutEffect, useRef } from "./html.js";
import { remembered } from "./remembered.js";
import { signal } from "./signals.js";
import { t } from "./strings.js";
import { later } from "./ui/later.js";

const KeyList = later(() => import("./keylist.js"), "KeyList");
const LIST = "?";
const TAKES_TEXT =
  "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=button])";

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
 * @template {{key: string}} S
 * @param {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} event
 * @param {S[]} shortcuts
 * @param {{isWriting: boolean, isOn: boolean}} now
 */
export function asked(event, shortcuts, { isWriting, isOn }) {
  if (event.altKey) return undefined;
  const isControlled = event.ctrlKey || event.metaKey;
  if (!isControlled && (isWriting || !isOn)) return undefined;
  // On a keyboard of another script, the key in the same place.
  const letter = /^[^\x00-\x7f]$/.test(event.key) ? event.code.replace(/^Key/, "") : event.key;
  const pressed = (isControlled ? `Control+${letter}` : letter).toLowerCase();
  return shortcuts.find(({ key }) => key.toLowerCase() === pressed);
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
      const target = /** @type {Element|null} */ (event.target);
      // Who reads further up in a log turns its pages.
      if (event.defaultPrevented || event.repeat || (event.key.startsWith("Page") && target?.closest?.("[role=log]"))) return;
      const isWriting = Boolean(target?.closest?.(TAKES_TEXT) || document.querySelector("dialog[open]"));
      const shortcut = asked(event, current.current, { isWriting, isOn: areOn.value });
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
