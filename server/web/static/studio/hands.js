// @ts-check
/** Who wants to speak: in the order of raising, and for how long already; and who is lost. */

import { html } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { duration, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Lost } from "./lost.js";
import { hasTone } from "./settings.js";

/** @param {{classroom: import("../shared/classroom.js").Classroom, lost: string[]}} props */
export function Hands({ classroom, lost }) {
  const { hands } = classroom.state.value;
  const isHeard = hasTone.value;
  const now = useNow(classroom, hands.length > 0);
  const isPending = (/** @type {string} */ user) =>
    classroom.isPending(({ op, data }) => op === "hand.lower_all" || (op === "hand.lower" && data.user === user));
  return html`<section class="card hands" aria-label=${t("hands.title")}>
    <div class="row">
      <h2 class="grow"><${Icon} name="hand" />${t("hands.title")} <span class="num" data-testid="hands-count">${hands.length}</span></h2>
      ${hands.length > 0 && html`<button type="button" class="small" data-testid="lower-all" onClick=${() => classroom.act("hand.lower_all")}>${t("hands.lower_all")}</button>`}
      <button type="button" class="small quiet" data-testid="tone" aria-pressed=${isHeard} aria-label=${t("hands.tone")} title=${t(isHeard ? "hands.tone_on" : "hands.tone_off")} onClick=${() => (hasTone.value = !isHeard)}>
        <${Icon} name=${isHeard ? "volume-2" : "volume-x"} />
      </button>
    </div>
    <${Lost} names=${lost} />
    ${hands.length === 0 && html`<p class="small muted">${t("hands.empty")}</p>`}
    <ol class="list" data-testid="hands">
      ${hands.map(
        ({ user, name, at }, index) => html`<li key=${user} class=${`row ${isPending(user) ? "pending" : ""}`} data-testid="raised-hand">
          <span class="num place">${index + 1}</span>
          <span class="grow" dir="auto">${name}</span>
          <time class="small muted num" datetime=${at} title=${t("hands.since")}>${duration(now - Date.parse(at))}</time>
          <button type="button" class="small" data-testid="lower" aria-label=${t("hands.lower_of", { name })} onClick=${() => classroom.act("hand.lower", { user })}>${t("hands.lower")}</button>
        </li>`,
      )}
    </ol>
  </section>`;
}
