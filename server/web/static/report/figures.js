// @ts-check
/**
 * What a report counts, from what REST and the log say. Pure; times are milliseconds since the start.
 *
 * @typedef {{user: string, name: string, role: string, first_joined_at: string, last_left_at: string|null,
 *   minutes: number, stays: {joined_at: string, left_at: string|null}[]}} Attendee
 * @typedef {{at: number, count: number}} Step from `at` on, `count` people were there
 * @typedef {"lost"|"got_it"|"slower"|"faster"} Feeling
 * @typedef {{from: number, to: number, people: Record<Feeling, number>}} Bin
 */

const MINUTE_MS = 60_000;
const WIDTHS = [1, 2, 5, 10, 15, 30, 60].map((minutes) => minutes * MINUTE_MS);
const MOST_BINS = 60;
/** @type {Feeling[]} */
export const FEELINGS = ["lost", "got_it", "slower", "faster"];

/**
 * How many people were there, as steps; of a class that goes on, up to `end`.
 * @param {Attendee[]} attendees @param {number} start @param {number} end since the epoch
 * @returns {Step[]}
 */
export function presence(attendees, start, end) {
  const changes = attendees.flatMap(({ stays }) =>
    stays.flatMap(({ joined_at: joined, left_at: left }) => [
      { at: Math.max(start, Date.parse(joined)), by: 1 },
      { at: Math.max(start, left === null ? end : Math.min(end, Date.parse(left))), by: -1 },
    ]),
  );
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  /** @type {Step[]} */
  const steps = [{ at: 0, count: 0 }];
  for (const { at, by } of changes) {
    const last = steps[steps.length - 1];
    if (last.at === at - start) last.count += by;
    else steps.push({ at: at - start, count: last.count + by });
  }
  return steps;
}

/** The most people at once. @param {Step[]} steps */
export function peak(steps) {
  return Math.max(0, ...steps.map(({ count }) => count));
}

/**
 * How many people said how they follow, per piece of the class: people, not clicks.
 * @param {{at: string, by: string|null, data: {kind: string}}[]} events
 * @param {number} start since the epoch @param {number} length
 * @returns {Bin[]}
 */
export function followed(events, start, length) {
  const width = WIDTHS.find((each) => length / each <= MOST_BINS) ?? WIDTHS[WIDTHS.length - 1];
  const seen = new Set();
  const bins = Array.from({ length: Math.max(1, Math.ceil(length / width)) }, (_, index) => ({
    from: index * width,
    to: Math.min(length, (index + 1) * width),
    people: { lost: 0, got_it: 0, slower: 0, faster: 0 },
  }));
  for (const { at, by, data: { kind } } of events) {
    const index = Math.min(bins.length - 1, Math.max(0, Math.floor((Date.parse(at) - start) / width)));
    const once = `${index}/${by}/${kind}`;
    if (seen.has(once) || !FEELINGS.includes(/** @type {Feeling} */ (kind))) continue;
    seen.add(once);
    bins[index].people[/** @type {Feeling} */ (kind)] += 1;
  }
  return bins;
}

/**
 * Round places for the marks of an axis from 0 to `most`, at most `many` besides 0.
 * @param {number} most @param {number[]} sizes to choose from, the smallest first @param {number} many
 */
export function marks(most, sizes, many) {
  const size = sizes.find((each) => most / each <= many) ?? Math.ceil(most / many);
  return Array.from({ length: Math.floor(most / size) + 1 }, (_, index) => index * size);
}
