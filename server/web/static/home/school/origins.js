// @ts-check
/** The sites that may show the classes of a school, as somebody writes them down. */

/** What the server takes; a test compares both numbers with its description. */
export const MOST_ORIGINS = 20;
/** https, perhaps all below a name, or this machine, to try it out. */
export const ORIGIN = /^(https:\/\/(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])|http:\/\/(localhost|127\.0\.0\.1))(:[1-9][0-9]{0,4})?(?!\n)$/;

/**
 * What a browser's address bar gives is an origin, but for its end and its letters.
 * @param {string} text @returns {{origins: string[], fault: string|null}} `fault`: the first that is none
 */
export function readOrigins(text) {
  const origins = [...new Set(text.split(/\s+/).filter(Boolean).map((each) => each.toLowerCase().replace(/\/+$/, "")))];
  return { origins, fault: origins.find((each) => !ORIGIN.test(each)) ?? null };
}
