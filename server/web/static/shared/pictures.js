// @ts-check
/**
 * Pictures of pages: fetched once with this person's token, and the next ones ahead.
 *
 * @typedef {ReturnType<typeof pictures>} Pictures
 */

const KEPT = 60;
const AHEAD = 2;

/**
 * @param {{session: string, api: import("./rest.js").Rest, isSparing?: () => boolean}} options
 *   while `isSparing()`, nothing is fetched ahead.
 */
export function pictures({ session, api, isSparing = () => false }) {
  /** The newest use last. @type {Map<string, Promise<string>>} */
  const known = new Map();

  /** @param {string} asset @param {number} page @returns {Promise<string>} */
  function fetched(asset, page) {
    const key = `${asset}/pages/${page}`;
    const url =
      known.get(key) ??
      api.file(`/v1/sessions/${session}/assets/${key}`).then((blob) => URL.createObjectURL(blob));
    known.delete(key);
    known.set(key, url);
    url.catch(() => known.delete(key));
    for (const [oldest, old] of [...known].slice(0, Math.max(0, known.size - KEPT))) {
      known.delete(oldest);
      old.then(URL.revokeObjectURL, () => undefined);
    }
    return url;
  }

  return {
    /** Return the address of a page's picture. @param {string} asset @param {number} page */
    page: fetched,
    /** Have those that are likely to follow. @param {import("./state.js").Asset} asset @param {number} page */
    ahead({ asset, pages }, page) {
      if (isSparing()) return;
      for (let next = page + 1; next <= Math.min(page + AHEAD, pages ?? 0); next += 1) {
        fetched(asset, next).catch(() => undefined); // it is asked for again when it is shown
      }
    },
  };
}
