// @ts-check
/** Who is here, and who was shut out; what staff may do about it is in person.js. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Permissions } from "./permissions.js";
import { Person, RANK, isPending } from "./person.js";

/** From so many on, one looks for a name rather than down the list. */
const MANY = 9;
/** So many are drawn; whoever is looked for is found among all. */
const DRAWN = 200;

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** @param {{classroom: Classroom, isOpen: boolean}} props */
export function People({ classroom, isOpen }) {
  const [sought, seek] = useState("");
  const [permitted, permit] = useState(/** @type {string|null} */ (null));
  const { count, people } = classroom.presence.value;
  const raised = new Set(classroom.state.value.hands.map(({ user }) => user));
  const all = [...people.values()].sort(
    (a, b) =>
      RANK[b.role] - RANK[a.role] ||
      Number(raised.has(b.user)) - Number(raised.has(a.user)) ||
      a.name.localeCompare(b.name),
  );
  const wanted = sought.trim().toLocaleLowerCase();
  const found = all.filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
  const hidden = found.length - DRAWN;
  return html`<div class="stack">
    ${all.length >= MANY &&
    html`<input type="search" data-testid="people-search" aria-label=${t("people.search")} placeholder=${t("people.search")} value=${sought} onInput=${(/** @type {any} */ event) => seek(event.target.value)} />`}
    <ul class="list" data-testid="people">
      ${found.slice(0, DRAWN).map(
        (person) => html`<${Person} key=${person.user} classroom=${classroom} isOpen=${isOpen} person=${person} hasHand=${raised.has(person.user)} onPermit=${permit} />`,
      )}
    </ul>
    ${found.length === 0 && html`<p class="small muted">${t("people.nobody_found")}</p>`}
    ${hidden > 0 && html`<p class="small muted">${t("people.more", { count: hidden })}</p>`}
    ${count > people.size && html`<p class="small muted">${t("people.unlisted", { count: count - people.size })}</p>`}
    <${Outside} classroom=${classroom} isOpen=${isOpen} />
    <${Permissions} classroom=${classroom} user=${permitted} onClose=${() => permit(null)} />
  </div>`;
}

/** Who was turned away, taken out or shut out: they may be let in again. @param {{classroom: Classroom, isOpen: boolean}} props */
function Outside({ classroom, isOpen }) {
  const outside = Object.entries(classroom.state.value.people).filter(
    ([, { status }]) => status === "denied" || status === "removed" || status === "banned",
  );
  return html`<div>
    ${outside.length > 0 && html`<h3>${t("people.outside")}</h3>`}
    <ul class="list" data-testid="outside">
      ${outside.map(
        ([user, { name, status }]) => html`<li key=${user} class=${`row ${isPending(classroom, user) ? "pending" : ""}`} data-testid="outsider">
          <span class="grow" dir="auto">${name}</span>
          <span class="pill">${t(`people.${status}`)}</span>
          ${isOpen &&
          html`<button type="button" class="small" data-testid="let-back" onClick=${() => classroom.act(status === "banned" ? "participant.unban" : "participant.admit", { user })}>
            ${status === "banned" ? t("people.unban") : t("people.admit")}
          </button>`}
        </li>`,
      )}
    </ul>
  </div>`;
}
