// @ts-check
/**
 * Who this browser was in which class, so that who comes again by the same link is the same person.
 *
 * @typedef {{code: string, session: string, token: string, name: string, expires_at: string}} Kept
 */

import { keep, kept as stored } from "../shared/storage.js";

const KEY = "joined";
const MOST = 20;

/** @returns {Kept[]} what still holds */
function all() {
  try {
    return JSON.parse(stored(KEY) ?? "[]").filter((/** @type {Kept} */ { expires_at: until }) => Date.parse(until) > Date.now());
  } catch {
    return [];
  }
}

/** Who this browser was behind a link, or in the class that it leads to. @param {string} code @param {string} [session] */
export function kept(code, session) {
  return all().findLast((each) => each.session === session || each.code === code) ?? null;
}

/** @param {Kept} joined */
export function keepJoined(joined) {
  keep(KEY, JSON.stringify([...all(), joined].slice(-MOST)));
}
