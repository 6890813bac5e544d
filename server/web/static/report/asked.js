// @ts-check
/** What was asked, by students and of them. */

import { html } from "../shared/html.js";
import { Bars } from "../shared/polls.js";
import { duration, t } from "../shared/strings.js";
import { Save } from "./save.js";

/**
 * @typedef {{id: string, name: string, prompt: string, status: "open"|"answered", answer: string|null,
 *   votes: number, dismissed_at: string|null, created_at: string}} Question
 * @typedef {{id: string, prompt: string, options: string[], correct: number[]|null, votes: number[],
 *   voters: number, created_at: string}} Poll
 * @typedef {{api: import("../shared/rest.js").Rest, id: string, start: number, moment: (at: number) => string}} Here
 */

/** Questions that nobody answered come first: they are what is left to do. @param {Here & {questions: Question[]}} props */
export function Questions({ questions, api, id, start, moment }) {
  const asked = questions.filter(({ dismissed_at: gone }) => gone === null);
  const open = asked.filter(({ status }) => status === "open").sort((a, b) => b.votes - a.votes);
  const answered = asked.filter(({ status }) => status === "answered");
  const row = (/** @type {Question} */ each) => {
    const at = Math.max(0, Date.parse(each.created_at) - start);
    return html`<li key=${each.id} class="row" data-testid=${`question-${each.status}`}>
      <span class="pill num" aria-label=${t("questions.votes", { count: each.votes })}>▲ ${each.votes}</span>
      <div class="grow"><p dir="auto">${each.prompt}</p>
        <span class="small muted"><span dir="auto">${each.name}</span> · <a href=${moment(at)}>${duration(at)}</a></span>
        ${each.answer && html`<p class="small answer" dir="auto">${each.answer}</p>`}
      </div>
    </li>`;
  };
  return html`<section class="card stack" aria-labelledby="questions" data-testid="questions">
    <div class="row"><h2 id="questions" class="grow">${t("report.unanswered")} <span class="num muted">${open.length}</span></h2>
      <${Save} api=${api} path=${`/v1/sessions/${id}/questions.csv`} name=${`questions-${id}.csv`} label=${t("report.csv_questions")} /></div>
    ${open.length === 0 ? html`<p class="muted">${t(questions.length === 0 ? "report.none_asked" : "report.all_answered")}</p>` : html`<ul class="list">${open.map(row)}</ul>`}
    ${answered.length > 0 && html`<details><summary>${t("report.answered", { count: answered.length })}</summary><ul class="list">${answered.map(row)}</ul></details>`}
  </section>`;
}

/** @param {Here & {polls: Poll[], people: number}} props */
export function Polls({ polls, people, api, id, start, moment }) {
  return html`<section class="card stack" aria-labelledby="polls" data-testid="polls">
    <div class="row"><h2 id="polls" class="grow">${t("report.polls")} <span class="num muted">${polls.length}</span></h2>
      <${Save} api=${api} path=${`/v1/sessions/${id}/polls.csv`} name=${`polls-${id}.csv`} label=${t("report.csv_polls")} /></div>
    ${polls.length === 0 && html`<p class="muted">${t("report.no_polls")}</p>`}
    ${polls.length > 0 && html`<ul class="list">
      ${polls.map((poll) => {
        const at = Math.max(0, Date.parse(poll.created_at) - start);
        return html`<li key=${poll.id} class="stack" data-testid="poll">
          <div><strong dir="auto">${poll.prompt}</strong><br /><span class="small muted">${t("report.voters", { count: poll.voters, people })} · <a href=${moment(at)}>${duration(at)}</a></span></div>
          <${Bars} poll=${poll} votes=${poll.votes} />
        </li>`;
      })}
    </ul>`}
  </section>`;
}
