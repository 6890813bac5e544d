// @ts-check
/** Questions for the teacher: most wanted first; students vote, staff answer. */

import { Composer } from "./composer.js";
import { html } from "./html.js";
import { PROMPT_LENGTH } from "./lengths.js";
import { keepsFromAsking } from "./speaking.js";
import { t } from "./strings.js";
import { Menu } from "./ui/menu.js";

/** @typedef {import("./classroom.js").Classroom} Classroom @typedef {import("./state.js").Question} Asked */

/** @param {{classroom: Classroom, isOpen: boolean}} props */
export function Questions({ classroom, isOpen }) {
  const { state, counters, isStaff } = classroom;
  const { questions, presented } = state.value;
  /** @param {Asked} asked @returns {number} */
  const votes = ({ question }) => counters.value.questions[question] ?? 0;
  const isPresented = (/** @type {Asked} */ { question }) => Number(question === presented);
  const open = questions
    .filter(({ status }) => status === "open")
    .sort((a, b) => isPresented(b) - isPresented(a) || votes(b) - votes(a) || a.at.localeCompare(b.at));
  const answered = questions.filter(({ status }) => status === "answered");
  const dismissed = questions.filter(({ status }) => status === "dismissed");
  return html`<div class="stack">
    ${!isStaff.value &&
    html`<${Composer}
      classroom=${classroom}
      testid="question"
      label=${t("questions.ask")}
      action=${t("questions.send")}
      maxlength=${PROMPT_LENGTH}
      hinders=${keepsFromAsking}
      onSend=${(/** @type {string} */ prompt) => classroom.act("question.ask", { prompt })}
    />`}
    ${questions.length === 0 && html`<p class="muted">${t("questions.empty")}</p>`}
    <${Asking} classroom=${classroom} />
    <ul class="list" data-testid="questions">
      ${open.map((question) => html`<${Question} key=${question.question} classroom=${classroom} isOpen=${isOpen} question=${question} votes=${votes(question)} />`)}
    </ul>
    <${Settled} classroom=${classroom} isOpen=${isOpen} testid="answered" title=${t("questions.answered")} questions=${answered} />
    <${Settled} classroom=${classroom} isOpen=${isOpen} testid="dismissed" title=${t("questions.dismissed")} questions=${dismissed} />
  </div>`;
}

/** One's own questions that the class does not have yet. @param {{classroom: Classroom}} props */
function Asking({ classroom }) {
  const asking = classroom.actions.value.filter(({ op, refusal }) => op === "question.ask" && !refusal);
  return asking.map(
    ({ key, data }) => html`<p key=${key} class="pending" data-testid="pending" dir="auto">${data.prompt}</p>`,
  );
}

/** @param {{classroom: Classroom, isOpen: boolean, question: Asked, votes: number}} props */
function Question({ classroom, isOpen, question: { question, name, prompt }, votes }) {
  const { state, mine, isStaff } = classroom;
  const isPresented = state.value.presented === question;
  const isMine = mine.value?.upvotes.includes(question) ?? false;
  const isPending = classroom.isPending(({ data }) => data.question === question);
  const act = (/** @type {string} */ op) => classroom.act(op, { question });
  return html`<li class=${`row ${isPending ? "pending" : ""}`} data-testid="question">
    ${isStaff.value
      ? html`<span class="pill num" data-testid="votes" aria-label=${t("questions.votes", { count: votes })}>▲ ${votes}</span>`
      : html`<button
          type="button"
          class="num"
          data-testid="upvote"
          aria-pressed=${isMine}
          aria-label=${t(isMine ? "questions.voted" : "questions.vote", { votes: t("questions.votes", { count: votes }) })}
          disabled=${!isOpen || isPending}
          onClick=${() => act(isMine ? "question.unvote" : "question.upvote")}
        >▲ ${votes}</button>`}
    <div class="grow">
      <p dir="auto">${prompt}</p>
      <span class="small muted" dir="auto">${name}</span> ${isPresented && html`<span class="pill ok">${t("questions.presented")}</span>`}
    </div>
    ${isStaff.value && isOpen &&
    html`<button type="button" class="small" data-testid="answer" disabled=${isPending} onClick=${() => act("question.answer")}>${t("questions.done")}</button>
      <${Menu}
        testid="question-menu"
        label=${t("questions.actions", { name })}
        actions=${[
          isPresented
            ? { testid: "unpresent", label: t("questions.unpresent"), onChoose: () => act("question.reopen") }
            : { testid: "present", label: t("questions.present"), onChoose: () => act("question.present") },
          { testid: "dismiss-question", label: t("questions.dismiss"), onChoose: () => act("question.dismiss") },
        ]}
      />`}
  </li>`;
}

/**
 * Questions that are done with; staff may open them again.
 * @param {{classroom: Classroom, isOpen: boolean, testid: string, title: string, questions: Asked[]}} props
 */
function Settled({ classroom, isOpen, testid, title, questions }) {
  return html`${questions.length > 0 && html`<h2 class="small muted">${title}</h2>`}
    <ul class="list" data-testid=${testid}>
      ${questions.map(
        ({ question, name, prompt, answer }) => html`<li key=${question} class="row">
          <div class="grow">
            <p dir="auto">${prompt}</p>
            <span class="small muted" dir="auto">${name}</span>
            ${answer && html`<p class="small" dir="auto">${answer}</p>`}
          </div>
          ${classroom.isStaff.value && isOpen &&
          html`<button type="button" class="small quiet" data-testid="reopen" onClick=${() => classroom.act("question.reopen", { question })}>${t("questions.reopen")}</button>`}
        </li>`,
      )}
    </ul>`;
}
