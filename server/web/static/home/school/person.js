// @ts-check
/** One person of the school: what they are, how they get in, and how they go. */

import { html, useState } from "../../shared/html.js";
import { EMAIL_LENGTH, SHORT_TEXT_LENGTH } from "../../shared/lengths.js";
import { t } from "../../shared/strings.js";
import { Dialog } from "../../shared/ui/dialog.js";
import { Icon } from "../../shared/ui/icon.js";
import { Menu } from "../../shared/ui/menu.js";
import { Confirm } from "../confirm.js";
import { Refusal, useAct } from "../remote.js";
import { save } from "../takeaway.js";
import { Field } from "./field.js";
import { Roles } from "./roles.js";
import { SignInLink } from "./signinlink.js";

/** @typedef {import("../../shared/rest.js").Rest} Rest */

/** @param {{api: Rest, me: import("../rights.js").Me, person: any, onChange: () => void}} props */
export function Person({ api, me, person, onChange }) {
  const [asking, ask] = useState("");
  const { isBusy, refusal, run } = useAct();
  const { id, name, email, role, status } = person;
  const path = `/v1/users/${id}`;
  const isMe = id === me.user;
  const isActive = status === "active";
  const close = () => ask("");
  const done = () => (close(), onChange());
  const reactivate = async () => {
    if (await run(() => api.send("PATCH", path, { status: "active" }))) onChange();
  };
  const actions = [
    { testid: "person-change", label: t("people.change"), onChoose: () => ask("change"), isShown: true },
    { testid: "person-export", label: t("people.export"), onChoose: () => run(() => save(api, `${path}/export`, `${name}.ndjson`)), isShown: true },
    { testid: "person-deactivate", label: t("people.deactivate"), onChoose: () => ask("deactivate"), isShown: isActive && !isMe },
    { testid: "person-erase", label: t("people.erase"), onChoose: () => ask("erase"), isShown: !isMe },
  ].filter(({ isShown }) => isShown);
  return html`<li class="item" data-testid="person" data-status=${status}>
    <div class="what grow">
      <p class="name"><span dir="auto" data-testid="person-named">${name}</span>${isMe && html` <span class="small muted">${t("people.you")}</span>`}</p>
      ${email && html`<p class="small muted address" data-testid="person-address">${email}</p>`}
      <${Refusal} text=${refusal} />
    </div>
    ${!isActive && html`<span class="pill warn">${t("people.inactive")}</span>`}
    ${role && html`<span class="pill" data-testid="person-role">${t(`role.${role}`)}</span>`}
    <div class="row acts">
      ${isActive
        ? html`<button type="button" data-testid="person-link" onClick=${() => ask("link")}><${Icon} name="link" />${t("people.link")}</button>
            <button type="button" data-testid="person-roles" onClick=${() => ask("roles")}>${t("people.roles")}</button>`
        : html`<button type="button" data-testid="person-reactivate" disabled=${isBusy} onClick=${reactivate}>${t("people.reactivate")}</button>`}
      <${Menu} label=${t("session.actions", { title: name })} testid="person-actions" actions=${actions} />
    </div>
    <${Dialog} isOpen=${asking === "link"} title=${t("people.link_title", { name })} onClose=${close} testid="link-dialog">
      <${SignInLink} ...${{ api, person }} onClose=${close} />
    <//>
    <${Dialog} isOpen=${asking === "roles"} title=${t("people.roles_title", { name })} onClose=${() => (close(), onChange())} testid="roles-dialog">
      <${Roles} ...${{ api, person }} onClose=${close} />
    <//>
    <${Dialog} isOpen=${asking === "change"} title=${t("people.change_title", { name })} onClose=${close} testid="change-dialog">
      <${Change} ...${{ api, person }} onDone=${done} onClose=${close} />
    <//>
    <${Dialog} isOpen=${asking === "deactivate"} title=${t("people.deactivate_title", { name })} onClose=${close} testid="deactivate-dialog">
      <${Confirm} text=${t("people.deactivate_text", { name })} label=${t("people.deactivate")} act=${() => api.send("PATCH", path, { status: "inactive" })} onDone=${done} onClose=${close} />
    <//>
    <${Dialog} isOpen=${asking === "erase"} isGrave title=${t("people.erase_title", { name })} onClose=${close} testid="erase-dialog">
      <${Confirm} text=${t("people.erase_text", { name })} label=${t("people.erase")} act=${() => api.send("DELETE", path)} onDone=${done} onClose=${close} />
    <//>
  </li>`;
}

/** Another name or address. @param {{api: Rest, person: any, onDone: () => void, onClose: () => void}} props */
function Change({ api, person, onDone, onClose }) {
  const [name, setName] = useState(person.name);
  const [email, setEmail] = useState(person.email ?? "");
  const { isBusy, refusal, field, run } = useAct();
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    if (await run(() => api.send("PATCH", `/v1/users/${person.id}`, { name: name.trim(), email: email.trim() || null }))) onDone();
  };
  return html`<form class="stack" onSubmit=${submit}>
    <${Field} name=${t("home.name")} testid="change-name" dir="auto" required maxlength=${SHORT_TEXT_LENGTH} value=${name} onInput=${setName} error=${field === "name" ? refusal : ""} />
    <${Field} name=${t("people.email")} testid="change-email" type="email" autocomplete="off" maxlength=${EMAIL_LENGTH} value=${email} onInput=${setEmail} error=${field === "name" ? "" : refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="change-save" disabled=${isBusy || name.trim() === ""}>${t("home.save")}</button>
    </div>
  </form>`;
}
