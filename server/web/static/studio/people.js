// @ts-check
/** Who wants to speak, in order; and who is here. */

import { html } from "../shared/html.js";
import { clock, t } from "../shared/strings.js";

/** @param {import("../shared/classroom.js").Classroom} classroom @param {string} op @param {string} user */
function isPending(classroom, op, user) {
  return classroom.actions.value.some(
    (action) => action.op === op && !action.refusal && (action.data.user ?? user) === user,
  );
}

export function Hands({ classroom }) {
  const { hands } = classroom.state.value;
  return html`<section class="card hands" aria-label=${t("hands.title")}>
    <div class="row">
      <h2 class="grow">✋ ${t("hands.title")} <span class="num" data-testid="hands-count">${hands.length}</span></h2>
      ${hands.length > 0 && html`<button type="button" class="small" data-testid="lower-all" onClick=${() => classroom.act("hand.lower_all")}>${t("hands.lower_all")}</button>`}
    </div>
    ${hands.length === 0 && html`<p class="small muted">${t("hands.empty")}</p>`}
    <ol class="list" data-testid="hands">
      ${hands.map(
        (/** @type {any} */ { user, name, at }, /** @type {number} */ index) => html`<li key=${user} class=${`row ${isPending(classroom, "hand.lower", user) ? "pending" : ""}`} data-testid="raised-hand">
          <span class="num muted">${index + 1}</span>
          <span class="grow" dir="auto">${name}</span>
          <time class="small muted" datetime=${at}>${clock(at)}</time>
          <button type="button" class="small" data-testid="lower" aria-label=${t("hands.lower_of", { name })} onClick=${() => classroom.act("hand.lower", { user })}>${t("hands.lower")}</button>
        </li>`,
      )}
    </ol>
  </section>`;
}

export function People({ classroom, isOpen }) {
  const { presence, me } = classroom;
  const rank = { admin: 0, teacher: 1, assistant: 2, student: 3 };
  const people = [...presence.value.people.values()].sort(
    (a, b) => rank[a.role] - rank[b.role] || a.name.localeCompare(b.name),
  );
  return html`<ul class="list" data-testid="people">
    ${people.map(
      ({ user, name, role, status }) => html`<li key=${user} class=${`row ${isPending(classroom, "participant.remove", user) ? "pending" : ""}`} data-testid="person">
        <span class="grow" dir="auto">${user === me.value.user ? t("chat.me", { name }) : name}</span>
        ${status === "dropped" && html`<span class="pill warn">${t("people.dropped")}</span>`}
        <span class="pill">${t(`role.${role}`)}</span>
        ${isOpen && role === "student" &&
        html`<button type="button" class="small quiet" data-testid="remove" aria-label=${t("people.remove_of", { name })} onClick=${() => confirm(t("people.confirm_remove", { name })) && classroom.act("participant.remove", { user })}>${t("people.remove")}</button>`}
      </li>`,
    )}
  </ul>`;
}
