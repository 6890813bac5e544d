// @ts-check
/** Links into the class, made by the server, copied by the teacher: one for all, and one for one person. */

import { ClassLink } from "../shared/classlink.js";
import { copied } from "../shared/clipboard.js";
import { html, useRef, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t, when } from "../shared/strings.js";
import { RANK } from "./person.js";

/**
 * @param {{id: string, api: import("../shared/rest.js").Rest, onClose: () => void,
 *   role?: import("../shared/state.js").Role}} props `role`: the maker's; nobody gives more.
 */
export function Invite({ id, api, onClose, role = "student" }) {
  const [given, give] = useState("student");
  const roles = /** @type {const} */ (["student", "assistant", "teacher"]).filter((each) => RANK[each] <= RANK[role]);
  const [name, setName] = useState("");
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [note, setNote] = useState("");
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));

  /** @param {SubmitEvent} event */
  const make = async (event) => {
    event.preventDefault();
    setNote("");
    try {
      const body = { role: given, name: name.trim() || t("invite.student") };
      setMade(await api.post(`/v1/sessions/${id}/join-tokens`, body));
    } catch (problem) {
      setNote(/** @type {Error} */ (problem).message);
    }
  };
  const copy = async () => setNote(t((await copied(made.url, field.current)) ? "invite.copied" : "invite.copy_yourself"));
  return html`<${ClassLink} api=${api} id=${id} />
  <form class="stack single" onSubmit=${make}>
    <h3>${t("invite.single")}</h3>
    <p class="small muted">${t("invite.text")}</p>
    <div class="row">
      <input class="grow" data-testid="invite-name" aria-label=${t("invite.name")} placeholder=${t("invite.name")} maxlength=${SHORT_TEXT_LENGTH} value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
      ${roles.length > 1 &&
      html`<select class="narrow" data-testid="invite-role" aria-label=${t("invite.role")} value=${given} onChange=${(/** @type {any} */ event) => give(event.target.value)}>
        ${roles.map((each) => html`<option key=${each} value=${each}>${t(`role.${each}`)}</option>`)}
      </select>`}
      <button data-testid="invite-make">${t("invite.make")}</button>
    </div>
    ${made &&
    html`<div class="row">
        <input class="grow" ref=${field} data-testid="invite-url" aria-label=${t("invite.link")} readonly value=${made.url} />
        <button type="button" data-testid="invite-copy" onClick=${copy}>${t("invite.copy")}</button>
      </div>
      <p class="small muted">${t("invite.until", { when: when(made.expires_at) })}</p>`}
    <p role="status" class="small">${note}</p>
    <div class="row end"><button type="button" onClick=${onClose}>${t("close")}</button></div>
  </form>`;
}
