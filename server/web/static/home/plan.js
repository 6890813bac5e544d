// @ts-check
/** When a replay is to be published, or that it is not. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Refusal, useAct } from "./remote.js";
import { fromField, soon, toField, zone } from "./times.js";

/** @param {{api: import("../shared/rest.js").Rest, replay: any, onClose: () => void, onDone: () => void}} props */
export function Plan({ api, replay, onClose, onDone }) {
  const planned = replay.publish_at;
  const [moment, setMoment] = useState(toField(planned ? new Date(planned) : soon()));
  const { isBusy, refusal, run } = useAct();
  /** @param {string|null} at */
  const plan = async (at) => {
    if (await run(() => api.send("PATCH", `/v1/replays/${replay.id}`, { publish_at: at }))) onDone();
  };
  return html`<form class="stack" onSubmit=${(/** @type {SubmitEvent} */ event) => (event.preventDefault(), void plan(fromField(moment)))}>
    <label class="field">${t("plan.when")}
      <input type="datetime-local" required data-testid="plan-when" aria-describedby="plan-zone" value=${moment} onInput=${(/** @type {any} */ { target }) => setMoment(target.value)} />
    </label>
    <p class="small muted" id="plan-zone">${t("schedule.zone", { zone: zone() })}</p>
    <${Refusal} text=${refusal} />
    <div class="row end">
      ${planned && html`<button type="button" disabled=${isBusy} onClick=${() => plan(null)}>${t("plan.drop")}</button>`}
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="plan-save" disabled=${isBusy || moment === ""}>${t("plan.save")}</button>
    </div>
  </form>`;
}
