// @ts-check
/**
 * Who is signed in, in this tab: a token in its storage, from a link, gone when the tab is closed.
 *
 * @typedef {{session?: string, role: string, name: string, exp: number}} Claims
 */

import { rest } from "../shared/rest.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";

const KEY = "liveclass.home";
const OF_SESSION = "liveclass.token.";
const CODE = /lcsignin_[\w.-]+/;

export const token = signal(sessionStorage.getItem(KEY));

/** Why nobody is signed in any more, or not yet; in words. */
export const note = signal("");

/** What a token says of itself, to be shown; the server is who checks it. @param {string} text @returns {Claims|null} */
export function claims(text) {
  try {
    const payload = text.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (byte) => byte.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Sign in with a token; one of a single class leads there. @param {string} given */
export function adopt(given) {
  const said = claims(given);
  if (said?.session) {
    sessionStorage.setItem(OF_SESSION + said.session, given);
    location.assign(`/sessions/${said.session}/${said.role === "student" ? "room" : "studio"}`);
    return;
  }
  sessionStorage.setItem(KEY, given);
  note.value = "";
  token.value = given;
}

/** @param {string} [why] */
export function signOut(why = "") {
  for (const each of entered()) {
    if (each.token === token.value) sessionStorage.removeItem(OF_SESSION + each.id);
  }
  sessionStorage.removeItem(KEY);
  note.value = why;
  token.value = null;
}

/** Let the pages of a class know in whose name to open. @param {string} id */
export function enter(id) {
  if (token.value !== null) sessionStorage.setItem(OF_SESSION + id, token.value);
}

/** The classes that links were opened for in this tab. @returns {{id: string, token: string}[]} */
export function entered() {
  return Object.keys(sessionStorage)
    .filter((key) => key.startsWith(OF_SESSION))
    .map((key) => ({ id: key.slice(OF_SESSION.length), token: sessionStorage.getItem(key) ?? "" }));
}

/** The code in a link to sign in, if there is one. @param {string} text */
export function codeIn(text) {
  return text.match(CODE)?.[0] ?? null;
}

/** Exchange a code, which opens once. @param {string} code */
export async function exchange(code) {
  try {
    adopt((await rest("").post("/v1/sign-in", { code })).token);
  } catch (problem) {
    const { status, message } = /** @type {import("../shared/rest.js").Problem} */ (problem);
    signOut(status === 401 ? t("door.used") : message);
  }
}
