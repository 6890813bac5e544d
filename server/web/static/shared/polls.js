// @ts-check
/** One poll as bars: counts and percentages, the correct answers where they are known. */

import { html } from "./html.js";
import { t } from "./strings.js";

/**
 * The votes per option that this view may see, or null.
 * @param {import("./classroom.js").Classroom} classroom
 * @param {import("./state.js").Poll} poll
 * @returns {number[]|null}
 */
export function tally({ counters }, { poll, tally: published }) {
  return published ?? counters.value.polls[poll] ?? null;
}

/** @param {{poll: import("./state.js").Poll, votes: number[]}} props */
export function Bars({ poll, votes }) {
  const all = votes.reduce((sum, count) => sum + count, 0);
  return html`<ul class="options" data-testid="bars">
    ${poll.options.map((option, index) => {
      const count = votes[index] ?? 0;
      const share = all === 0 ? 0 : Math.round((100 * count) / all);
      return html`<li class="option" key=${index}>
        <span class="row">
          <span class="grow" dir="auto">${option}${poll.correct?.includes(index) && html` <span class="pill ok">✓ ${t("polls.correct")}</span>`}</span>
          <span class="num" data-testid="option-votes">${count}</span><span class="num muted">${share} %</span>
        </span>
        <meter min="0" max="100" value=${share} aria-label=${t("polls.share", { option, share })}></meter>
      </li>`;
    })}
  </ul>`;
}

/** @param {{poll: import("./state.js").Poll}} props */
export function PollStatus({ poll }) {
  const colour = { open: "ok", closed: "", published: "" }[poll.status];
  return html`<span class=${`pill ${colour}`} data-testid="poll-status">${t(`polls.status.${poll.status}`)}</span>`;
}
