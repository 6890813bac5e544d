// @ts-check
/** What somebody writes down for themselves; staff see it, the class does not. */

import { Composer } from "../shared/composer.js";
import { html } from "../shared/html.js";
import { PROMPT_LENGTH } from "../shared/lengths.js";
import { keepsFromNotes } from "../shared/speaking.js";
import { clock, t } from "../shared/strings.js";

/** @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Notes({ classroom }) {
  /** @type {{artifact: string, at: string, text: string}[]} */
  const notes = classroom.mine.value?.notes ?? [];
  const sent = classroom.actions.value.filter(({ op, refusal }) => op === "note.add" && !refusal);
  return html`<div class="stack">
    <${Composer}
      classroom=${classroom}
      testid="note"
      label=${t("notes.write")}
      action=${t("notes.keep")}
      maxlength=${PROMPT_LENGTH}
      hinders=${keepsFromNotes}
      onSend=${(/** @type {string} */ text) => classroom.act("note.add", { text })}
    />
    <p class="small muted">${t("notes.who")}</p>
    <ul class="list" data-testid="notes">
      ${sent.map(({ key, data }) => html`<li key=${key} class="pending" data-testid="pending"><p dir="auto">${data.text}</p></li>`)}
      ${[...notes].reverse().map(({ artifact, at, text }) => html`<li key=${artifact} data-testid="note"><p dir="auto">${text}</p><time class="small muted" datetime=${at}>${clock(at)}</time></li>`)}
    </ul>
    ${notes.length + sent.length === 0 && html`<p class="muted">${t("notes.empty")}</p>`}
  </div>`;
}
