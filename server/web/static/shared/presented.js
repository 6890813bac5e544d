// @ts-check
/** The question that is answered now. */

import { html } from "./html.js";
import { t } from "./strings.js";

/** The question on the stage, for everybody. @param {{classroom: import("./classroom.js").Classroom}} props */
export function Presented({ classroom }) {
  const { questions, presented } = classroom.state.value;
  const asked = questions.find(({ question }) => question === presented);
  return html`<div role="status">
    ${asked &&
    html`<section class="card" aria-label=${t("questions.presented")} data-testid="presented">
      <span class="pill ok">${t("questions.presented")}</span>
      <p dir="auto">${asked.prompt}</p>
      <span class="small muted" dir="auto">${asked.name}</span>
    </section>`}
  </div>`;
}
