// @ts-check
/** What a browser keeps from visit to visit, where it does: in frames and private windows it may not. */

/** What was kept under a name, or null. @param {string} name @returns {string|null} */
export function kept(name) {
  try {
    return localStorage.getItem(`liveclass.${name}`);
  } catch {
    return null;
  }
}

/** Keep a text; without storage it is forgotten. @param {string} name @param {string} text */
export function keep(name, text) {
  try {
    localStorage.setItem(`liveclass.${name}`, text);
  } catch {
    // It was for the convenience of next time.
  }
}

/** What was kept in this tab, which a reload leaves, or null. @param {string} name @returns {string|null} */
export function keptHere(name) {
  try {
    return sessionStorage.getItem(`liveclass.${name}`);
  } catch {
    return null;
  }
}

/** Keep a text as long as this tab is there. @param {string} name @param {string} text */
export function keepHere(name, text) {
  try {
    sessionStorage.setItem(`liveclass.${name}`, text);
  } catch {
    // As above.
  }
}
