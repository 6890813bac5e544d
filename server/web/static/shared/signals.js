// @ts-check
/**
 * Values that tell when they change: what a component or an effect reads, it follows.
 *
 * `effect` runs now and whenever what it read changes, and returns how to stop; `batch` tells of
 * all changes together, at the end.
 *
 * @template T
 * @typedef {import("../vendor/signals.js").Signal<T>} Signal
 */

export { batch, computed, effect, signal, useSignal } from "../vendor/signals.js";
