// @ts-check
/** Who waits to be let in: in sight whatever else is. */

import { html } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { isPending } from "./person.js";

/** As many commands as a client may send at once, and some to spare. */
const AT_ONCE = 16;

/** @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Waiting({ classroom }) {
  const waiting = Object.entries(classroom.state.value.people).filter(
    ([, { status, present }]) => status === "waiting" && present,
  );
  const next = waiting.filter(([user]) => !isPending(classroom, user)).slice(0, AT_ONCE);
  const admit = (/** @type {string} */ user) => classroom.act("participant.admit", { user });
  return html`<div role="status">
    ${waiting.length > 0 &&
    html`<section class="card waiting" aria-label=${t("waiting.title")}>
      <div class="row">
        <h2 class="grow"><${Icon} name="user-check" />${t("waiting.title")} <span class="num">${waiting.length}</span></h2>
        ${waiting.length > 1 &&
        html`<button type="button" class="small" data-testid="admit-all" disabled=${next.length === 0} onClick=${() => next.forEach(([user]) => admit(user))}>
          ${waiting.length > AT_ONCE ? t("waiting.admit_next", { count: AT_ONCE }) : t("waiting.admit_all")}
        </button>`}
      </div>
      <ul class="list" data-testid="waiting">
        ${waiting.map(
          ([user, { name }]) => html`<li key=${user} class=${`row ${isPending(classroom, user) ? "pending" : ""}`} data-testid="waiting-person">
            <span class="grow" dir="auto">${name}</span>
            <button type="button" class="small primary" data-testid="admit" aria-label=${t("waiting.admit_of", { name })} onClick=${() => admit(user)}>${t("people.admit")}</button>
            <button type="button" class="small" data-testid="deny" aria-label=${t("waiting.deny_of", { name })} onClick=${() => classroom.act("participant.deny", { user })}>${t("waiting.deny")}</button>
          </li>`,
        )}
      </ul>
    </section>`}
  </div>`;
}
