// @ts-check
/** Who wants to speak, in order. */

import { html } from "../shared/html.js";
import { clock, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Hands({ classroom }) {
  const { hands } = classroom.state.value;
  const isPending = (/** @type {string} */ user) =>
    classroom.isPending(({ op, data }) => op === "hand.lower" && data.user === user);
  return html`<section class="card hands" aria-label=${t("hands.title")}>
    <div class="row">
      <h2 class="grow"><${Icon} name="hand" />${t("hands.title")} <span class="num" data-testid="hands-count">${hands.length}</span></h2>
      ${hands.length > 0 && html`<button type="button" class="small" data-testid="lower-all" onClick=${() => classroom.act("hand.lower_all")}>${t("hands.lower_all")}</button>`}
    </div>
    ${hands.length === 0 && html`<p class="small muted">${t("hands.empty")}</p>`}
    <ol class="list" data-testid="hands">
      ${hands.map(
        ({ user, name, at }, index) => html`<li key=${user} class=${`row ${isPending(user) ? "pending" : ""}`} data-testid="raised-hand">
          <span class="num muted">${index + 1}</span>
          <span class="grow" dir="auto">${name}</span>
          <time class="small muted" datetime=${at}>${clock(at)}</time>
          <button type="button" class="small" data-testid="lower" aria-label=${t("hands.lower_of", { name })} onClick=${() => classroom.act("hand.lower", { user })}>${t("hands.lower")}</button>
        </li>`,
      )}
    </ol>
  </section>`;
}
