// @ts-check
/** What every page begins with: which session, whose token. */

/** Whether another site shows this page in a frame. */
const isFramed = window.parent !== window;

/** The session of this page's address. @returns {string} */
export function sessionId() {
  return location.pathname.split("/")[2];
}

/**
 * Return the token of this session, or null. A link carries it in the fragment, which no server
 * ever sees; it moves to the storage of this tab and out of the address bar. In a frame, where
 * browsers may keep storage shut and no address is to be seen, it stays where it is.
 * @param {string} id
 */
export function tokenFor(id) {
  const key = `liveclass.token.${id}`;
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (isFramed) return given;
  if (given) {
    sessionStorage.setItem(key, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(key);
}

/**
 * The address of another page of this session, as this person sees it.
 * @param {string} id
 * @param {"room"|"studio"|"replay"} name
 */
export function addressOf(id, name) {
  return `/sessions/${id}/${name}${isFramed ? location.hash : ""}`;
}
