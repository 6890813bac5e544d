// @ts-check
/** Values that tell when they change: what a component or an effect reads, it follows. */

import * as signals from "../vendor/signals.js";

/**
 * @template T
 * @typedef {{value: T}} Signal
 */

/** @type {<T>(value: T) => Signal<T>} */
export const signal = /** @type {any} */ (signals.signal);

/** @type {<T>(compute: () => T) => {readonly value: T}} */
export const computed = /** @type {any} */ (signals.computed);

/** Run now and whenever what was read changes; returns how to stop. @type {(run: () => void) => () => void} */
export const effect = /** @type {any} */ (signals.effect);

/** Tell of all changes together, at the end. @type {<T>(run: () => T) => T} */
export const batch = /** @type {any} */ (signals.batch);

/** A signal of one component. @type {<T>(value: T) => Signal<T>} */
export const useSignal = /** @type {any} */ (signals.useSignal);
