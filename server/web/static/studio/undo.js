// @ts-check
/** For ten seconds, and while somebody reaches for it, what one has just done to somebody can be taken back with one press. */

import { html } from "../shared/html.js";
import { cap, keyed } from "../shared/keys.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";

const OFFERED_MS = 10_000;
/** As everywhere; in a field it takes back what was written. */
export const UNDO = "Control+z";

/** What takes an event back, and by what of it. @type {Record<string, {op: string, of: string}>} */
const BACK = {
  "question.dismissed": { op: "question.reopen", of: "question" },
  "chat.removed": { op: "chat.restore", of: "message" },
  "participant.muted": { op: "participant.unmute", of: "user" },
  "participant.removed": { op: "participant.admit", of: "user" },
};

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

const offers = signal(/** @type {{sequence: number, type: string, op: string, data: any}[]} */ ([]));

/** @param {number} done */
const forget = (done) => {
  offers.value = offers.value.filter(({ sequence }) => sequence !== done);
};

/** After its time, unless the pointer or the focus is there: nobody presses a moment too late. @param {number} done */
const expire = (done) => {
  setTimeout(() => (document.querySelector(".undo:hover, .undo:focus-within") ? expire(done) : forget(done)), OFFERED_MS);
};

/** Offer it for what this person does from now on. @param {Classroom} classroom */
export function offerUndo(classroom) {
  classroom.onEvent(({ type, data, by, at, sequence }) => {
    const back = BACK[type];
    const age = Date.now() + classroom.skew.value - Date.parse(at);
    if (back === undefined || by !== classroom.me.value?.user || age > OFFERED_MS) return;
    offers.value = [...offers.value, { sequence, type, op: back.op, data: { [back.of]: data[back.of] } }];
    expire(sequence);
  });
}

/** Take back what was done last, if that is still offered. @param {Classroom} classroom */
export function undoLast(classroom) {
  const last = offers.value.at(-1);
  if (last !== undefined) takeBack(classroom, last);
}

/** @param {Classroom} classroom @param {typeof offers.value[number]} offer */
function takeBack(classroom, { sequence, op, data }) {
  forget(sequence);
  classroom.act(op, data);
}

/** @param {{classroom: Classroom}} props */
export function Undo({ classroom }) {
  const last = offers.value.at(-1);
  return html`<div class="toasts undo" role="status">
    ${offers.value.map(
      (offer) => html`<div class="toast" key=${offer.sequence} data-testid="undo">
        <span class="grow">${t(`undo.${offer.type}`)}</span>
        <button type="button" class="small" data-testid="undo-it" aria-keyshortcuts=${offer === last ? keyed(UNDO) : undefined} onClick=${() => takeBack(classroom, offer)}>
          ${t("undo")}${offer === last && html` <kbd aria-hidden="true">${cap(UNDO)}</kbd>`}
        </button>
      </div>`,
    )}
  </div>`;
}
