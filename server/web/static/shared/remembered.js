// @ts-check
/** What somebody chose on this device, kept from one class to the next where the browser keeps things. */

import { effect, signal } from "./signals.js";

/**
 * A signal that begins as it was left.
 * @template {string|boolean} T
 * @param {string} name @param {T} initial @param {readonly T[]} choices what it may be
 * @returns {import("./signals.js").Signal<T>}
 */
export function remembered(name, initial, choices) {
  const key = `liveclass.${name}`;
  const kept = choices.find((choice) => String(choice) === read(key));
  const chosen = signal(kept ?? initial);
  effect(() => write(key, String(chosen.value)));
  return chosen;
}

/** @param {string} key @returns {string|null} */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // kept from keeping, as in a private window or a frame
  }
}

/** @param {string} key @param {string} value */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It lasts as long as the page.
  }
}
