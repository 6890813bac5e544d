// @ts-check
/** A line to write in, and why not where that is so. */

import { html, useState } from "./html.js";
import { useNow } from "./now.js";
import { clock, duration, t } from "./strings.js";

/** @typedef {import("./speaking.js").Speaker} Speaker @typedef {import("./speaking.js").Hindrance} Hindrance */

/**
 * A line of text and its button. `hinders` says what keeps this person from writing; `audience`
 * is whom it may go to, where that is a choice or none.
 * @param {{classroom: import("./classroom.js").Classroom, testid: string, label: string,
 *   action: string, maxlength: number, hinders: (speaker: Speaker) => Hindrance|null,
 *   audience?: "choice"|"staff"|null, onSend: (text: string, toStaff: boolean) => void}} props
 */
export function Composer({ classroom, testid, label, action, maxlength, hinders, audience = null, onSend }) {
  const [text, setText] = useState("");
  const [isChosen, choose] = useState(false);
  const hindrance = useHindrance(classroom, hinders);
  const isClosed = hindrance !== null;
  const toStaff = audience === "staff" || (audience === "choice" && isChosen);
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    if (isClosed || text.trim() === "") return;
    onSend(text.trim(), toStaff);
    setText("");
  };
  return html`<form class="stack" onSubmit=${send}>
    <p role="status" class="small muted" data-testid=${`${testid}-note`}>
      ${hindrance ? reason(hindrance, classroom.skew.value) : audience === "staff" ? t("chat.staff_only") : ""}
    </p>
    <div class="row">
      <input
        class="grow"
        data-testid=${`${testid}-input`}
        aria-label=${label}
        placeholder=${label}
        maxlength=${maxlength}
        autocomplete="off"
        dir="auto"
        value=${text}
        disabled=${isClosed}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}
      />
      <button class="primary" data-testid=${`${testid}-send`} disabled=${isClosed || text.trim() === ""}>${action}</button>
    </div>
    ${audience === "choice" &&
    html`<label class="choice">
      <input type="checkbox" data-testid="chat-to-staff" checked=${isChosen} disabled=${isClosed} onChange=${(/** @type {any} */ event) => choose(event.target.checked)} />
      ${t("chat.only_staff")}
    </label>`}
  </form>`;
}

/**
 * What keeps this person from writing now; what ends by itself is looked at again each second.
 * @param {import("./classroom.js").Classroom} classroom
 * @param {(speaker: Speaker) => Hindrance|null} hinders
 */
function useHindrance(classroom, hinders) {
  const { state, me, mine, isStaff, skew } = classroom;
  const look = () => hinders({
    state: state.value,
    isStaff: isStaff.value,
    user: me.value?.user ?? "",
    mutedUntil: mine.value?.muted_until ?? null,
    toStaff: mine.value?.to_staff ?? [],
    now: Date.now() + skew.value,
  });
  const hindrance = look();
  useNow(classroom, hindrance !== null && hindrance.until !== null);
  return hindrance;
}

/** @param {Hindrance} hindrance @param {number} skew */
function reason({ why, until }, skew) {
  if (until === null) return t(`speaking.${why}`);
  const wait = duration(until - Date.now() - skew + 999);
  return t(`speaking.${why}_until`, { wait, time: clock(new Date(until).toISOString()) });
}
