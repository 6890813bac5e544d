// @ts-check
/** What somebody chose on this device, from one class to the next. */

import { effect, signal } from "./signals.js";
import { keep, kept } from "./storage.js";

/**
 * A signal that begins as it was left.
 * @template {string|boolean|number} T
 * @param {string} name @param {T} initial @param {readonly T[]} choices what it may be
 * @returns {import("./signals.js").Signal<T>}
 */
export function remembered(name, initial, choices) {
  const before = choices.find((choice) => String(choice) === kept(name));
  const chosen = signal(before ?? initial);
  effect(() => keep(name, String(chosen.value)));
  return chosen;
}
