// @ts-check
/**
 * Everything of a class that can be found or jumped to, with its moment: asked for when needed.
 *
 * @typedef {{kind: "chapter"|"sentence"|"chat"|"question"|"poll"|"slide", t: number, text: string,
 *   by: string}} Entry
 * @typedef {{t: number, asset: string, page: number, name: string, isSlide: boolean}} Page
 * @typedef {{entries: Entry[], pages: Page[]}} Contents
 */

const TYPES = "chat.posted,question.asked,poll.opened,asset.shown";
const LIMIT = 1000;

/** @param {{path: string, api: {get: (path: string) => Promise<any>}}} options */
export function contents({ path, api }) {
  /** @type {Promise<Contents>|null} */
  let found = null;

  async function read() {
    // What was shown before the first moment is in no event of the replay.
    const [first, last] = await Promise.all([api.get(`${path}/state?t=0`), api.get(`${path}/state?t=${Number.MAX_SAFE_INTEGER}`)]);
    /** @type {Map<string, import("../shared/state.js").Asset>} */
    const assets = new Map([...first.state.assets, ...last.state.assets].map((asset) => [asset.asset, asset]));
    /** @type {Entry[]} */
    const entries = [];
    /** @type {Page[]} */
    const pages = [];
    const show = (/** @type {number} */ t, /** @type {{asset: string, page: number}} */ { asset, page }) => {
      const { name = "", asset_type: type } = assets.get(asset) ?? {};
      if (name !== "" && type !== "media") pages.push({ t, asset, page, name, isSlide: type === "slide" });
    };
    if (first.state.shown !== null) show(0, first.state.shown);
    for (const { text, name } of first.state.messages) entries.push({ kind: "chat", t: 0, text, by: name });
    /** @type {number|null} */
    let after = 0;
    while (after !== null) {
      /** @type {{items: import("./moments.js").Timed[], next: number|null}} */
      const { items, next } = await api.get(`${path}/events?types=${TYPES}&limit=${LIMIT}&after=${after}`);
      for (const { t, event: { type, data } } of items) {
        if (type === "asset.shown") show(t, data);
        else if (type === "chat.posted") entries.push({ kind: "chat", t, text: data.text, by: data.name });
        else if (type === "question.asked") entries.push({ kind: "question", t, text: data.prompt, by: data.name });
        else if (type === "poll.opened") entries.push({ kind: "poll", t, text: data.prompt, by: "" });
      }
      after = next;
    }
    return { entries: entries.filter(({ text }) => text !== ""), pages };
  }

  /** @returns {Promise<Contents>} */
  return () => {
    found ??= read().catch((problem) => {
      found = null;
      throw problem;
    });
    return found;
  };
}

/**
 * The entries that have all words of `wanted`, in the order of the class.
 * @param {Entry[]} entries @param {string} wanted
 */
export function matching(entries, wanted) {
  const words = wanted.toLocaleLowerCase().split(/\s+/).filter((word) => word !== "");
  return entries
    .filter(({ text }) => words.every((word) => text.toLocaleLowerCase().includes(word)))
    .sort((a, b) => a.t - b.t);
}
