// @ts-check
/** How people said they follow, from the log of a class. */

const EVENTS = 1000;

/**
 * Every mark that was ever made, in order.
 * @param {import("./rest.js").Rest} api @param {string} base
 * @returns {Promise<import("./state.js").LogEvent[]>}
 */
export async function marks(api, base) {
  const found = [];
  let position = 0;
  let head = 1;
  while (position < head) {
    const page = await api.get(`${base}/events?types=feedback.marked&after=${position}&limit=${EVENTS}`);
    found.push(...page.events);
    if (page.to <= position) break;
    ({ to: position, head } = page);
  }
  return found;
}
