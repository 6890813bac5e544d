// @ts-check
/**
 * The state of a class in parts: what reads one is drawn again when that one changes, and not with
 * every event of a class that talks.
 *
 * @typedef {import("./state.js").State} State
 * @typedef {{[Part in keyof State]: import("./signals.js").Signal<State[Part]>}} Parts
 */

import { computed } from "./signals.js";
import { emptyState } from "./state.js";

/** @param {import("./signals.js").Signal<State>} state @returns {Parts} */
export function parts(state) {
  const names = /** @type {(keyof State)[]} */ (Object.keys(emptyState()));
  return /** @type {Parts} */ (Object.fromEntries(names.map((name) => [name, computed(() => state.value[name])])));
}
