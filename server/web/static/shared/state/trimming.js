// @ts-check
/** How the fold keeps a snapshot within its budgets: the twin of protocol/trimming.py. */

/**
 * What a list may hold, and what goes first when it is over.
 * @template T
 * @typedef {{budget: number, weight: (item: T) => number, most?: number,
 *   last?: (item: T) => boolean}} Rule
 *   The first items go first; those of which `last` is true only when no other is left.
 */

const utf8 = new TextEncoder();

/** No item ever changes, so each is weighed but once. @type {WeakMap<object, number>} */
const weights = new WeakMap();

/**
 * The length of a text as JSON in UTF-8, quotes included; 4 for null.
 * @param {string|null|undefined} text
 */
export function jsonBytes(text) {
  return utf8.encode(JSON.stringify(text ?? null)).length;
}

/**
 * Return the items, in their order, without those that must go.
 * @template {object} T
 * @param {T[]} items
 * @param {Rule<T>} rule
 * @returns {T[]}
 */
export function fit(items, { budget, weight, most = Infinity, last = () => false }) {
  let count = items.length;
  let total = items.reduce((sum, item) => sum + weigh(item, weight), 0);
  const isOver = () => count > most || total > budget;
  if (!isOver()) return items;
  const gone = new Set();
  for (const item of [...items].sort((a, b) => Number(last(a)) - Number(last(b)))) {
    if (!isOver()) break;
    gone.add(item);
    count -= 1;
    total -= weigh(item, weight);
  }
  return items.filter((item) => !gone.has(item));
}

/**
 * Return what fit() keeps of the values, in the order in which their keys were added.
 * @template {object} T
 * @param {Record<string, T>} record
 * @param {Rule<T>} rule
 * @returns {Record<string, T>}
 */
export function fitValues(record, rule) {
  const values = Object.values(record);
  const kept = fit(values, rule);
  if (kept === values) return record;
  const stays = new Set(kept);
  return Object.fromEntries(Object.entries(record).filter(([, item]) => stays.has(item)));
}

/**
 * @template {object} T
 * @param {T} item
 * @param {(item: T) => number} weight
 */
function weigh(item, weight) {
  const known = weights.get(item);
  if (known !== undefined) return known;
  const weighed = weight(item);
  weights.set(item, weighed);
  return weighed;
}
