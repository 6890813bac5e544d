// @ts-check
/** The roles that a person was given, each with where it holds; and one more. */

import { html, useState } from "../../shared/html.js";
import { t } from "../../shared/strings.js";
import { all, Loaded, Refusal, useAct, useRemote } from "../remote.js";

const ROLES = ["student", "assistant", "teacher", "admin"];
const SCHOOL = "";

/** @param {{api: import("../../shared/rest.js").Rest, person: any, onClose: () => void}} props */
export function Roles({ api, person, onClose }) {
  const path = `/v1/users/${person.id}/roles`;
  const [role, setRole] = useState("teacher");
  const [place, setPlace] = useState(SCHOOL);
  const { isBusy, refusal, run } = useAct();
  const found = useRemote(async () => {
    const [given, courses] = await Promise.all([all(api, path), all(api, "/v1/courses")]);
    const titles = new Map(courses.map(({ id, title }) => [id, title]));
    for (const { scope, scope_id: id } of given) {
      // A class that is gone has left its role behind.
      if (scope === "session") titles.set(id, (await api.get(`/v1/sessions/${id}`).catch(() => null))?.title ?? t("people.some_class"));
    }
    return { given, courses, titles };
  }, []);
  /** @param {() => Promise<unknown>} act */
  const change = async (act) => {
    if (await run(act)) await found.load();
  };
  /** @param {SubmitEvent} event */
  const give = (event) => {
    event.preventDefault();
    void change(() => api.post(path, { role, ...(place !== SCHOOL && role !== "admin" && { scope: "course", scope_id: place }) }));
  };
  return html`<p class="small muted">${t("people.roles_text")}</p>
    <${Loaded} of=${found}>
      ${(/** @type {{given: any[], courses: any[], titles: Map<string, string>}} */ { given, courses, titles }) => html`
        ${given.length === 0 && html`<p class="empty" data-testid="no-roles">${t("people.no_roles")}</p>`}
        <ul class="list" data-testid="roles">
          ${given.map(
            (each) => html`<li key=${each.id} class="row" data-testid="given-role">
              <span class="grow"><strong>${t(`people.role_${each.role}`)}</strong> <span class="muted" dir="auto">${each.scope === "tenant" ? t("people.everywhere") : titles.get(each.scope_id) ?? t("people.some_course")}</span></span>
              <button type="button" class="small" data-testid="take-role" aria-label=${t("people.take_of", { role: t(`people.role_${each.role}`) })} disabled=${isBusy} onClick=${() => change(() => api.send("DELETE", `${path}/${each.id}`))}>${t("people.take")}</button>
            </li>`,
          )}
        </ul>
        <form class="row give" onSubmit=${give}>
          <label class="field grow">${t("people.role")}
            <select data-testid="give-role" value=${role} onChange=${(/** @type {any} */ { target }) => setRole(target.value)}>${ROLES.map((each) => html`<option key=${each} value=${each}>${t(`people.role_${each}`)}</option>`)}</select>
          </label>
          <label class="field grow">${t("people.where")}
            <select data-testid="give-place" disabled=${role === "admin"} value=${role === "admin" ? SCHOOL : place} onChange=${(/** @type {any} */ { target }) => setPlace(target.value)}>
              <option value=${SCHOOL}>${t("people.whole_school")}</option>
              ${courses.map(({ id, title }) => html`<option key=${id} value=${id}>${title}</option>`)}
            </select>
          </label>
          <button data-testid="give" disabled=${isBusy}>${t("people.give")}</button>
        </form>`}
    <//>
    <${Refusal} text=${refusal} />
    <div class="row end"><button type="button" class="primary" onClick=${onClose}>${t("people.roles_done")}</button></div>`;
}
