// @ts-check
/** The chat: a log, and a line to write. One's own lines are dimmed until the class has them. */

import { html, useEffect, useRef, useState } from "./html.js";
import { clock, t } from "./strings.js";

const TEXT_LENGTH = 2000;

/** @param {{classroom: import("./classroom.js").Classroom, isOpen: boolean}} props */
export function Chat({ classroom, isOpen }) {
  const { actions, me, isStaff } = classroom;
  const messages = readable(classroom);
  const mine = actions.value.filter(({ op }) => op === "chat.post");
  const end = useRef(/** @type {HTMLElement|null} */ (null));
  const newest = messages.at(-1)?.message;
  useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [newest, mine.length]);

  return html`<div class="chat">
    <ol role="log" aria-label=${t("chat.title")} data-testid="chat">
      ${messages.length + mine.length === 0 && html`<li class="muted">${t("chat.empty")}</li>`}
      ${messages.map(
        ({ message, name, by, at, text, to }) => html`<li key=${message} data-testid="message">
          <span class="small muted">
            <strong dir="auto">${by === me.value?.user ? t("chat.me", { name }) : name}</strong>
            ${" "}<time datetime=${at}>${clock(at)}</time>
            ${to === "staff" && html` <span class="pill">${t("chat.to_staff")}</span>`}
          </span>
          <p dir="auto">${text}</p>
        </li>`,
      )}
      ${mine.map(
        ({ key, data, refusal }) => html`<li key=${key} class=${refusal ? "" : "pending"} data-testid=${refusal ? "unsent" : "pending"}>
          <p dir="auto">${data.text}</p>
          ${refusal
            ? html`<span class="row small">
                <span class="pill bad">${t("chat.unsent")}</span> ${refusal}
                <button class="small" type="button" onClick=${() => (classroom.dismiss(key), classroom.act("chat.post", data))}>${t("retry")}</button>
                <button class="small quiet" type="button" onClick=${() => classroom.dismiss(key)}>${t("dismiss")}</button>
              </span>`
            : html`<span class="small muted">${t("chat.sending")}</span>`}
        </li>`,
      )}
      <li ref=${end} aria-hidden="true"></li>
    </ol>
    <${Composer}
      testid="chat"
      label=${t("chat.write")}
      action=${t("chat.send")}
      maxlength=${TEXT_LENGTH}
      disabled=${!isOpen}
      note=${isOpen ? null : t("chat.closed")}
      onSend=${(/** @type {string} */ text, /** @type {boolean} */ toStaff) =>
        classroom.act("chat.post", toStaff ? { text, to: "staff" } : { text })}
      staffChoice=${!isStaff.value}
    />
  </div>`;
}

/**
 * What this person may read: the view's messages and, of a student, their own to staff.
 * @param {import("./classroom.js").Classroom} classroom
 * @returns {import("./state.js").Message[]}
 */
function readable({ state, me, mine, isStaff }) {
  const { messages } = state.value;
  if (isStaff.value || !mine.value?.to_staff.length) return messages;
  const { user: by, name } = me.value;
  const own = mine.value.to_staff.map((/** @type {any} */ sent) => ({ ...sent, by, name, to: "staff" }));
  return [...messages, ...own].sort((a, b) => a.at.localeCompare(b.at));
}

/**
 * A line of text and its button.
 * @param {{testid: string, label: string, action: string, maxlength: number, disabled: boolean,
 *   note?: string|null, staffChoice?: boolean, onSend: (text: string, toStaff: boolean) => void}} props
 */
export function Composer({ testid, label, action, maxlength, disabled, note, staffChoice, onSend }) {
  const [text, setText] = useState("");
  const [toStaff, setToStaff] = useState(false);
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    if (text.trim() === "") return;
    onSend(text.trim(), toStaff);
    setText("");
  };
  return html`<form class="stack" onSubmit=${send}>
    ${note && html`<p class="small muted">${note}</p>`}
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
        disabled=${disabled}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}
      />
      <button class="primary" data-testid=${`${testid}-send`} disabled=${disabled || text.trim() === ""}>${action}</button>
    </div>
    ${staffChoice &&
    html`<label class="choice">
      <input type="checkbox" data-testid="chat-to-staff" checked=${toStaff} disabled=${disabled} onChange=${(/** @type {any} */ event) => setToStaff(event.target.checked)} />
      ${t("chat.only_staff")}
    </label>`}
  </form>`;
}
