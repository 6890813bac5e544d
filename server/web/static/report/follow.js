// @ts-check
/** How the class followed: a chart, and the same as a table, each row a way into the replay. */

import { html } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { Chart } from "./chart.js";
import { FEELINGS } from "./figures.js";

/**
 * @param {{bins: import("./figures.js").Bin[], steps: import("./figures.js").Step[],
 *   length: number, moment: (at: number) => string}} props
 */
export function Follow({ bins, steps, length, moment }) {
  const told = bins.filter(({ people }) => FEELINGS.some((feeling) => people[feeling] > 0));
  return html`<section class="card stack wide" aria-labelledby="follow" data-testid="follow">
    <h2 id="follow">${t("report.follow")}</h2>
    <${Chart} bins=${bins} steps=${steps} length=${length} moment=${moment} />
    ${told.length === 0
      ? html`<p class="muted">${t("report.nobody_lost")}</p>`
      : html`<details>
          <summary data-testid="follow-table">${t("report.as_table")}</summary>
          <div class="scroll" tabindex="0" role="region" aria-label=${t("report.table", { what: t("report.follow") })}><table>
            <thead><tr><th scope="col">${t("report.time")}</th>${FEELINGS.map((feeling) => html`<th key=${feeling} scope="col" class="num">${t(`report.${feeling}`)}</th>`)}</tr></thead>
            <tbody>${told.map(({ from, to, people }) => html`<tr key=${from}>
              <th scope="row"><a href=${moment(from)}>${duration(from)}–${duration(to)}</a></th>
              ${FEELINGS.map((feeling) => html`<td key=${feeling} class="num">${people[feeling]}</td>`)}
            </tr>`)}</tbody>
          </table></div>
        </details>`}
  </section>`;
}
