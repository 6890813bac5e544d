// @ts-check
/** What every page begins with: which session, whose token. */

/** The session of this page's address. @returns {string} */
export function sessionId() {
  return location.pathname.split("/")[2];
}

/**
 * Return the token of this session, or null. A link carries it in the fragment, which no server
 * ever sees; it moves to the storage of this tab and out of the address bar.
 * @param {string} id
 */
export function tokenFor(id) {
  const key = `liveclass.token.${id}`;
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(key, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(key);
}
