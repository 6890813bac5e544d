// @ts-check
/**
 * Polls as a view sees them; while one runs its tally is in the counters.
 *
 * @typedef {{poll: string, prompt: string, options: string[], multiple: boolean,
 *   anonymous: boolean, results: "live"|"published", correct: number[]|null, touched: number,
 *   status: "open"|"closed"|"published", tally: number[]|null}} Poll
 * @typedef {import("../state.js").Change} Change
 */

import * as limits from "./limits.js";
import { fit, jsonBytes } from "./trimming.js";

/** @type {Record<string, Change>} */
export const polls = {
  "poll.opened": ({ polls: all }, data, { sequence }) => ({
    polls: fitPolls([
      ...all,
      {
        poll: data.poll,
        prompt: data.prompt,
        options: data.options,
        multiple: data.multiple,
        anonymous: data.anonymous,
        results: data.results,
        correct: data.correct ?? null,
        touched: sequence,
        status: /** @type {const} */ ("open"),
        tally: null,
      },
    ]),
  }),
  "poll.closed": ({ polls: all }, { poll }, { sequence }) => ({
    polls: finished(all, poll, { status: "closed", touched: sequence }),
  }),
  "poll.published": ({ polls: all }, { poll, tally, correct }, { sequence }) => ({
    polls: finished(all, poll, {
      status: "published",
      touched: sequence,
      tally,
      correct: correct ?? null,
    }),
  }),
  "poll.voted": () => ({}), // counted in the counters
};

/**
 * Change one poll, then forget the oldest finished ones beyond what a snapshot keeps.
 * @param {Poll[]} all
 * @param {string} id
 * @param {Partial<Poll>} change
 */
function finished(all, id, change) {
  const changed = all.map((poll) => (poll.poll === id ? { ...poll, ...change } : poll));
  const done = changed.filter(({ status }) => status !== "open");
  const forgotten = new Set(done.slice(0, Math.max(0, done.length - limits.SNAPSHOT_FINISHED_POLLS)));
  return fitPolls(changed.filter((poll) => !forgotten.has(poll)));
}

/** @param {Poll[]} all */
function fitPolls(all) {
  return fit(all, {
    budget: limits.POLLS_BYTES,
    weight: ({ prompt, options }) =>
      options.reduce(
        (sum, option) => sum + jsonBytes(option) + 1,
        limits.POLL_WEIGHT + jsonBytes(prompt),
      ),
    last: ({ status }) => status === "open",
  });
}
