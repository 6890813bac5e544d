// @ts-check
/** What a browser keeps, where it does: in frames and private windows it may not. */

/** @param {() => Storage} storage of which already the look may be refused */
const shelf = (storage) => ({
  /** What was kept under a name, or null. @param {string} name @returns {string|null} */
  kept(name) {
    try {
      return storage().getItem(`liveclass.${name}`);
    } catch {
      return null;
    }
  },
  /** Keep a text; without storage it is forgotten. @param {string} name @param {string} text */
  keep(name, text) {
    try {
      storage().setItem(`liveclass.${name}`, text);
    } catch {
      // It was for the convenience of next time.
    }
  },
});

/** From visit to visit. */
export const { kept, keep } = shelf(() => localStorage);
/** As long as this tab is there, which a reload leaves. */
export const { kept: keptHere, keep: keepHere } = shelf(() => sessionStorage);
