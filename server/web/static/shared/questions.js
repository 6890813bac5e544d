// @ts-check
/** Questions for the teacher: most wanted first; students vote, staff answer. */

import { Composer } from "./chat.js";
import { html } from "./html.js";
import { t } from "./strings.js";

const PROMPT_LENGTH = 1000;

/** @param {{classroom: import("./classroom.js").Classroom, isOpen: boolean}} props */
export function Questions({ classroom, isOpen }) {
  const { state, counters, isStaff } = classroom;
  const votes = (/** @type {string} */ question) => counters.value.questions[question] ?? 0;
  const { questions } = state.value;
  const open = questions
    .filter(({ status }) => status === "open")
    .sort((a, b) => votes(b.question) - votes(a.question) || a.at.localeCompare(b.at));
  const answered = questions.filter(({ status }) => status === "answered");
  return html`<div class="stack">
    ${!isStaff.value &&
    html`<${Composer}
      testid="question"
      label=${t("questions.ask")}
      action=${t("questions.send")}
      maxlength=${PROMPT_LENGTH}
      disabled=${!isOpen}
      onSend=${(/** @type {string} */ prompt) => classroom.act("question.ask", { prompt })}
    />`}
    ${questions.length === 0 && html`<p class="muted">${t("questions.empty")}</p>`}
    <${Asking} classroom=${classroom} />
    <ul class="list" data-testid="questions">
      ${open.map((question) => html`<${Question} key=${question.question} ...${{ classroom, isOpen, question, votes: votes(question.question) }} />`)}
    </ul>
    ${answered.length > 0 && html`<h3>${t("questions.answered")}</h3>`}
    <ul class="list" data-testid="answered">
      ${answered.map(
        ({ question, name, prompt, answer }) => html`<li key=${question}>
          <p dir="auto">${prompt}</p>
          <span class="small muted" dir="auto">${name}</span>
          ${answer && html`<p class="small" dir="auto">${answer}</p>`}
        </li>`,
      )}
    </ul>
  </div>`;
}

/** One's own questions that the class does not have yet. */
function Asking({ classroom }) {
  const asking = classroom.actions.value.filter((/** @type {any} */ { op, refusal }) => op === "question.ask" && !refusal);
  return asking.map(
    (/** @type {any} */ { key, data }) => html`<p key=${key} class="pending" data-testid="pending" dir="auto">${data.prompt}</p>`,
  );
}

function Question({ classroom, isOpen, question, votes }) {
  const { question: id, name, prompt } = question;
  const { actions, mine, isStaff } = classroom;
  const isMine = mine.value?.upvotes.includes(id) ?? false;
  const isPending = actions.value.some((/** @type {any} */ { data, refusal }) => data.question === id && !refusal);
  const act = (/** @type {string} */ op) => classroom.act(op, { question: id });
  return html`<li class=${`row ${isPending ? "pending" : ""}`} data-testid="question">
    ${isStaff.value
      ? html`<span class="pill num" data-testid="votes" aria-label=${t("questions.votes", { count: votes })}>▲ ${votes}</span>`
      : html`<button
          type="button"
          class="num"
          data-testid="upvote"
          aria-pressed=${isMine}
          aria-label=${t("questions.vote", { votes })}
          disabled=${!isOpen || isPending}
          onClick=${() => act(isMine ? "question.unvote" : "question.upvote")}
        >▲ ${votes}</button>`}
    <div class="grow"><p dir="auto">${prompt}</p><span class="small muted" dir="auto">${name}</span></div>
    ${isStaff.value &&
    html`<button type="button" class="small" data-testid="answer" disabled=${!isOpen || isPending} onClick=${() => act("question.answer")}>${t("questions.done")}</button>`}
  </li>`;
}
