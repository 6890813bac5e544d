// @ts-check
/** Who was there, from when to when. */

import { html, useState } from "../shared/html.js";
import { clock, t } from "../shared/strings.js";
import { Save } from "./save.js";

/** So many rows are drawn at first. */
const FEW = 100;

/** @param {{attendees: import("./figures.js").Attendee[], length: number, api: import("../shared/rest.js").Rest, id: string}} props */
export function Attendance({ attendees, length, api, id }) {
  const [isWhole, showAll] = useState(false);
  const sorted = [...attendees].sort((a, b) => a.name.localeCompare(b.name));
  const shown = isWhole ? sorted : sorted.slice(0, FEW);
  const minutes = Math.max(1, length / 60_000);
  return html`<section class="card stack" aria-labelledby="attendance" data-testid="attendance">
    <div class="row"><h2 id="attendance" class="grow">${t("report.attendance")} <span class="num muted">${attendees.length}</span></h2>
      <${Save} api=${api} path=${`/v1/sessions/${id}/attendance.csv`} name=${`attendance-${id}.csv`} label=${t("report.csv_attendance")} /></div>
    ${attendees.length === 0
      ? html`<p class="muted">${t("report.nobody")}</p>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label=${t("report.table", { what: t("report.attendance") })}><table>
          <thead><tr><th scope="col">${t("report.name")}</th><th scope="col">${t("report.role")}</th><th scope="col" class="num">${t("report.came")}</th><th scope="col" class="num">${t("report.left")}</th><th scope="col" class="num">${t("report.minutes")}</th></tr></thead>
          <tbody>${shown.map((each) => html`<tr key=${each.user} data-testid="attendee">
            <th scope="row" dir="auto">${each.name}</th>
            <td>${t(`role.${each.role}`)}</td>
            <td class="num">${clock(each.first_joined_at)}</td>
            <td class="num">${each.last_left_at ? clock(each.last_left_at) : "–"}</td>
            <td class="num"><meter min="0" max=${minutes} value=${each.minutes} aria-hidden="true"></meter> ${Math.round(each.minutes)}</td>
          </tr>`)}</tbody>
        </table></div>
        ${!isWhole && sorted.length > FEW && html`<button type="button" data-testid="all" onClick=${() => showAll(true)}>${t("report.all", { count: sorted.length })}</button>`}`}
  </section>`;
}
