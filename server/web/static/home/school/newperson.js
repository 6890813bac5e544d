// @ts-check
/** Somebody new in the school: who they are, what they may, and how they get in. */

import { html, useRef, useState } from "../../shared/html.js";
import { EMAIL_LENGTH, SHORT_TEXT_LENGTH } from "../../shared/lengths.js";
import { t } from "../../shared/strings.js";
import { Refusal, useAct } from "../remote.js";
import { Field } from "./field.js";
import { SignInLink } from "./signinlink.js";

/** What is given in the whole school; none: students come by the links to their classes. */
const ROLES = ["teacher", "assistant", "admin", ""];

/** @param {{api: import("../../shared/rest.js").Rest, onDone: () => void, onClose: () => void}} props */
export function NewPerson({ api, onDone, onClose }) {
  const [form, setForm] = useState({ name: "", email: "", role: "teacher" });
  const made = useRef(/** @type {any} */ (null));
  const [isDone, setDone] = useState(false);
  const { isBusy, refusal, field, run } = useAct();
  const change = (/** @type {Partial<typeof form>} */ some) => setForm({ ...form, ...some });
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    const isSaved = await run(async () => {
      // Kept, so that another try makes nobody else.
      made.current ??= await api.post("/v1/users", { name: form.name.trim(), email: form.email.trim() || null });
      if (form.role) await api.post(`/v1/users/${made.current.id}/roles`, { role: form.role });
    });
    if (made.current) onDone();
    setDone(isSaved);
  };
  if (isDone) {
    return html`<p role="status" data-testid="person-added">${t("people.added", { name: made.current.name })}</p>
      <${SignInLink} api=${api} person=${made.current} onClose=${onClose} />`;
  }
  const isTaken = refusal !== "" && made.current === null;
  return html`<form class="stack" onSubmit=${save}>
    <${Field} name=${t("home.name")} testid="person-name" dir="auto" required maxlength=${SHORT_TEXT_LENGTH} disabled=${made.current !== null} value=${form.name} onInput=${(/** @type {string} */ name) => change({ name })}
      error=${isTaken && field === "name" ? refusal : ""} />
    <${Field} name=${t("people.email")} testid="person-email" type="email" autocomplete="off" maxlength=${EMAIL_LENGTH} disabled=${made.current !== null} value=${form.email} onInput=${(/** @type {string} */ email) => change({ email })}
      hint=${t("people.email_why")} error=${isTaken && field !== "name" ? refusal : ""} />
    <fieldset class="stack tight roles"><legend class="small muted">${t("people.as")}</legend>
      ${ROLES.map(
        (role) => html`<label key=${role} class="choice-card">
          <input type="radio" name="role" data-testid=${`person-role-${role || "none"}`} checked=${form.role === role} onChange=${() => change({ role })} />
          <span><strong>${t(`people.role_${role || "none"}`)}</strong> <span class="small muted">${t(`people.means_${role || "none"}`)}</span></span>
        </label>`,
      )}
    </fieldset>
    <${Refusal} text=${isTaken ? "" : refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="person-save" disabled=${isBusy || form.name.trim() === ""}>${t("people.add_them")}</button>
    </div>
  </form>`;
}
