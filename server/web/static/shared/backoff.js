// @ts-check
/** How long to wait before trying again: exponential, with full jitter, so that a class never returns as one wave. */

const BASE_MS = 500;
const CAP_MS = 15_000;

/**
 * @param {number} attempt 0 for the first try after a loss.
 * @param {() => number} [random] in [0, 1).
 * @returns {number} milliseconds
 */
export function backoff(attempt, random = Math.random) {
  return Math.round(random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 10)));
}

/**
 * The wait that the server asked for, spread over half to one and a half of it.
 * @param {number} milliseconds
 * @param {() => number} [random]
 */
export function spread(milliseconds, random = Math.random) {
  return Math.round(milliseconds * (0.5 + random()));
}
