// @ts-check
/** Who is here, who waits at the door, who was shut out; and what staff may do about it. */

import { html } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Menu } from "../shared/ui/menu.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** By whose rank people are listed, and nobody acts on an equal or a superior. */
const RANK = { student: 0, assistant: 1, teacher: 2, admin: 3 };

/** @param {Classroom} classroom @param {string} user */
function isPending(classroom, user) {
  return classroom.isPending(({ op, data }) => op.startsWith("participant.") && data.user === user);
}

/** @param {{classroom: Classroom, isOpen: boolean}} props */
export function People({ classroom, isOpen }) {
  const here = [...classroom.presence.value.people.values()].sort(
    (a, b) => RANK[b.role] - RANK[a.role] || a.name.localeCompare(b.name),
  );
  return html`<ul class="list" data-testid="people">
      ${here.map((person) => html`<${Person} key=${person.user} classroom=${classroom} isOpen=${isOpen} person=${person} />`)}
    </ul>
    <${Outside} classroom=${classroom} isOpen=${isOpen} />`;
}

/** @param {{classroom: Classroom, isOpen: boolean, person: import("../shared/people.js").Here}} props */
function Person({ classroom, isOpen, person: { user, name, role, status } }) {
  const { state, me } = classroom;
  const known = Object.hasOwn(state.value.people, user) ? state.value.people[user] : null;
  const until = known?.muted_until ?? null;
  const isMuted = useNow(classroom, until !== null) < (until === null ? 0 : Date.parse(until));
  const mayAct = isOpen && me.value !== null && RANK[role] < RANK[me.value.role];
  const act = (/** @type {string} */ op) => classroom.act(op, { user });
  /** @param {string} op @param {string} question */
  const ask = (op, question) => () => confirm(question) && act(op);
  return html`<li class=${`row ${isPending(classroom, user) ? "pending" : ""}`} data-testid="person">
    <span class="grow" dir="auto">${user === me.value?.user ? t("chat.me", { name }) : name}</span>
    ${status === "dropped" && html`<span class="pill warn">${t("people.dropped")}</span>`}
    ${isMuted && html`<span class="pill warn" data-testid="muted">${t("people.muted")}</span>`}
    <span class="pill">${t(`role.${role}`)}</span>
    ${mayAct &&
    html`<${Menu}
      testid="person-menu"
      label=${t("people.actions", { name })}
      actions=${[
        isMuted
          ? { testid: "unmute-person", label: t("people.unmute"), onChoose: () => act("participant.unmute") }
          : { testid: "mute-person", label: t("people.mute"), onChoose: () => act("participant.mute") },
        { testid: "remove", label: t("people.remove"), onChoose: ask("participant.remove", t("people.confirm_remove", { name })) },
        { testid: "ban", label: t("people.ban"), onChoose: ask("participant.ban", t("people.confirm_ban", { name })) },
      ]}
    />`}
  </li>`;
}

/** Who was turned away, taken out or shut out: they may be let in again. @param {{classroom: Classroom, isOpen: boolean}} props */
function Outside({ classroom, isOpen }) {
  const outside = Object.entries(classroom.state.value.people).filter(
    ([, { status }]) => status === "denied" || status === "removed" || status === "banned",
  );
  return html`${outside.length > 0 && html`<h3>${t("people.outside")}</h3>`}
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
    </ul>`;
}

/** Who waits to be let in: in sight whatever else is. @param {{classroom: Classroom}} props */
export function Waiting({ classroom }) {
  const waiting = Object.entries(classroom.state.value.people).filter(
    ([, { status, present }]) => status === "waiting" && present,
  );
  return html`<div role="status">
    ${waiting.length > 0 &&
    html`<section class="card waiting" aria-label=${t("waiting.title")}>
      <h2><${Icon} name="user-check" />${t("waiting.title")} <span class="num">${waiting.length}</span></h2>
      <ul class="list" data-testid="waiting">
        ${waiting.map(
          ([user, { name }]) => html`<li key=${user} class=${`row ${isPending(classroom, user) ? "pending" : ""}`} data-testid="waiting-person">
            <span class="grow" dir="auto">${name}</span>
            <button type="button" class="small primary" data-testid="admit" aria-label=${t("waiting.admit_of", { name })} onClick=${() => classroom.act("participant.admit", { user })}>${t("people.admit")}</button>
            <button type="button" class="small" data-testid="deny" aria-label=${t("waiting.deny_of", { name })} onClick=${() => classroom.act("participant.deny", { user })}>${t("waiting.deny")}</button>
          </li>`,
        )}
      </ul>
    </section>`}
  </div>`;
}
