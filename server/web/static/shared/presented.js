// @ts-check
/** The question that is answered now. */

import { html } from "./html.js";
import { t } from "./strings.js";

/** The question on the stage, for everybody. @param {{classroom: Pick<import("./classroom.js").Classroom, "parts">}} props */
export function Presented({ classroom }) {
  const { questions, presented } = classroom.parts;
  const asked = questions.value.find(({ question }) => question === presented.value);
  return html`<div role="status">
    ${asked &&
    html`<section class="card" aria-label=${t("questions.presented")} data-testid="presented">
      <span class="pill ok">${t("questions.presented")}</span>
      <p dir="auto">${asked.prompt}</p>
      <span class="small muted" dir="auto">${asked.name}</span>
    </section>`}
  </div>`;
}
