// @ts-check
/** One question, and what staff do with it: answer aloud or in words, hide, open again. */

import { html, useLayoutEffect, useRef, useState } from "../shared/html.js";
import { TEXT_LENGTH } from "../shared/lengths.js";
import { clock, t } from "../shared/strings.js";
import { Menu } from "../shared/ui/menu.js";

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom, isOpen: boolean,
 *   kind: "open"|"answering"|"answered"|"hidden", asked: import("../shared/state.js").Question,
 *   votes: number}} props
 */
export function Question({ classroom, isOpen, kind, asked, votes }) {
  const { question, name, prompt, answer, at } = asked;
  const [isReplying, reply] = useState(false);
  const isPending = classroom.isPending(({ data }) => data.question === question);
  const act = (/** @type {string} */ op) => classroom.act(op, { question });
  const isLive = kind === "answering";
  return html`<li class=${`stack tight ${isPending ? "pending" : ""}`} data-testid="question">
    <div class="row top">
      <span class="pill num votes" data-testid="votes" aria-label=${t("questions.votes", { count: votes })}>▲ ${votes}</span>
      <div class="grow">
        <p dir="auto">${prompt}</p>
        <span class="small muted"><span dir="auto">${name}</span> · <time datetime=${at}>${clock(at)}</time></span>
        ${answer && html`<p class="small answer" dir="auto">${answer}</p>`}
      </div>
      ${isOpen && (kind === "open" || isLive) &&
      html`<${Menu}
        testid="question-menu"
        label=${t("questions.actions", { name })}
        actions=${[
          ...(isLive ? [{ testid: "unpresent", label: t("questions.unpresent"), onChoose: () => act("question.reopen") }] : []),
          { testid: "reply", label: t("questions.reply"), onChoose: () => reply(true) },
          { testid: "dismiss-question", label: t("questions.hide"), onChoose: () => act("question.dismiss") },
        ]}
      />`}
    </div>
    ${isReplying
      ? html`<${Reply} classroom=${classroom} question=${question} onClose=${() => reply(false)} />`
      : isOpen && html`<div class="row end">
          ${kind === "open" && html`<button type="button" class="small" data-testid="present" disabled=${isPending} onClick=${() => act("question.present")}>${t("questions.present")}</button>`}
          ${kind === "open" || isLive
            ? html`<button type="button" class=${`small ${isLive ? "primary" : ""}`} data-testid="answer" disabled=${isPending} onClick=${() => act("question.answer")}>${t("questions.done")}</button>`
            : html`<button type="button" class="small" data-testid="reopen" disabled=${isPending} onClick=${() => act("question.reopen")}>${t("questions.reopen")}</button>`}
        </div>`}
  </li>`;
}

/** @param {{classroom: import("../shared/classroom.js").Classroom, question: string, onClose: () => void}} props */
function Reply({ classroom, question, onClose }) {
  const [text, write] = useState("");
  const field = useRef(/** @type {HTMLTextAreaElement|null} */ (null));
  useLayoutEffect(() => field.current?.focus(), []);
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    if (text.trim() === "") return;
    classroom.act("question.answer", { question, text: text.trim() });
    onClose();
  };
  return html`<form class="stack tight" onSubmit=${send}>
    <textarea ref=${field} rows="3" dir="auto" data-testid="reply-text" aria-label=${t("questions.reply_text")} placeholder=${t("questions.reply_text")} maxlength=${TEXT_LENGTH} value=${text} onInput=${(/** @type {any} */ event) => write(event.target.value)}></textarea>
    <div class="row end">
      <button type="button" class="small" onClick=${onClose}>${t("cancel")}</button>
      <button class="small primary" data-testid="reply-send" disabled=${text.trim() === ""}>${t("questions.reply_send")}</button>
    </div>
  </form>`;
}
