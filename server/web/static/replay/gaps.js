// @ts-check
/** Why something of a class was not recorded, where its log knows. */

/** What is told of a gap is told where it was cut out; recordings end a moment before or after. */
const NEAR_MS = 2_000;
/** So many are asked about. */
const MOST = 20;
const TYPES = ["recording.stopped", "recording.failed", "publisher.lost"];

/** @typedef {"failed"|"stopped"|"restarted"|"lost"} Reason @typedef {{at_ms: number, duration_ms: number}} Gap */

/**
 * What says most of what happened around a gap, or null: nothing does.
 * @param {{type: string, data: any}[]} events
 * @returns {Reason|null}
 */
export function reason(events) {
  const of = (/** @type {string} */ wanted) => events.filter(({ type }) => type === wanted);
  if (of("recording.failed").length > 0) return "failed";
  if (of("recording.stopped").length > 0) return "stopped";
  const last = of("publisher.lost").at(-1);
  if (last === undefined) return null;
  return last.data.reason === "restarted" ? "restarted" : "lost";
}

/**
 * The reason of each gap that has one, by where it is.
 * @param {{path: string, gaps: Gap[], api: {get: (path: string) => Promise<any>}}} options
 * @returns {Promise<Map<number, Reason>>}
 */
export async function reasons({ path, gaps, api }) {
  const found = await Promise.all(
    gaps.slice(0, MOST).map(async ({ at_ms: at }) => {
      const from = Math.max(0, at - NEAR_MS);
      const { items } = await api.get(`${path}/events?from_ms=${from}&to_ms=${at}&types=${TYPES.join(",")}`);
      const near = items.filter((/** @type {{t: number}} */ { t }) => t >= from && t <= at);
      return /** @type {const} */ ([at, reason(near.map((/** @type {any} */ { event }) => event))]);
    }),
  );
  return new Map(found.filter(/** @returns {each is [number, Reason]} */ (each) => each[1] !== null));
}
