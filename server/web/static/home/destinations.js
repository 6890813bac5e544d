// @ts-check
/** Where classes can be streamed to: accounts with platforms, and the places at each. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Destination } from "./destination.js";
import { NewDestination } from "./newdestination.js";
import { all, Loaded, Refusal, useAct, useRemote } from "./remote.js";
import { managesAll } from "./rights.js";
import { route } from "./router.js";

/** @typedef {import("../shared/rest.js").Rest} Rest */

/** @param {{api: Rest, me: import("./rights.js").Me}} props */
export function Destinations({ api, me }) {
  const [isAdding, setAdding] = useState(route.value.query.get("new") === "destination");
  const found = useRemote(async () => {
    const [providers, integrations, destinations] = await Promise.all([
      api.get("/v1/providers"),
      all(api, "/v1/integrations"),
      all(api, "/v1/destinations"),
    ]);
    return { providers: providers.items, integrations, destinations };
  }, []);
  const mayChange = managesAll(me);
  const done = () => (setAdding(false), found.load());
  return html`<div class="row head">
      <h1 class="grow">${t("home.destinations")}</h1>
      ${mayChange && html`<button type="button" class="primary" data-testid="add-destination" onClick=${() => setAdding(true)}>${t("places.add")}</button>`}
    </div>
    <p class="muted">${t("places.text")}</p>
    <${Loaded} of=${found}>
      ${(/** @type {{providers: any[], integrations: any[], destinations: any[]}} */ { providers, integrations, destinations }) => html`
        ${integrations.length === 0 && html`<p class="empty" data-testid="no-destinations">${t("places.nothing")}</p>`}
        ${integrations.map(
          (integration) => html`<${Integration} key=${integration.id} onChange=${found.load} ...${{ api, integration, mayChange }}
            title=${providers.find(({ name }) => name === integration.provider)?.title ?? integration.provider}
            keyPage=${providers.find(({ name }) => name === integration.provider)?.key_page ?? ""}
            destinations=${destinations.filter(({ integration: of }) => of === integration.id)} />`,
        )}
        <${Dialog} isOpen=${isAdding} title=${t("places.add")} onClose=${() => setAdding(false)} testid="destination-dialog">
          <${NewDestination} ...${{ api, providers, integrations }} onDone=${done} onClose=${() => setAdding(false)} />
        <//>`}
    <//>`;
}

/**
 * @param {{api: Rest, integration: any, title: string, keyPage: string, destinations: any[], mayChange: boolean,
 *   onChange: () => void}} props
 */
function Integration({ api, integration, title, keyPage, destinations, mayChange, onChange }) {
  const { isBusy, refusal, run } = useAct();
  const { id, status } = integration;
  const isRevoked = status === "revoked";
  const toggle = async () => {
    if (await run(() => api.send("PATCH", `/v1/integrations/${id}`, { status: isRevoked ? "active" : "revoked" }))) onChange();
  };
  const remove = async () => {
    if (await run(() => api.send("DELETE", `/v1/integrations/${id}`))) onChange();
  };
  return html`<section class="card stack" aria-label=${title} data-testid="integration" data-status=${status}>
    <div class="row">
      <h2 class="grow">${title}</h2>
      ${isRevoked && html`<span class="pill bad">${t("places.revoked")}</span>`}
      ${mayChange &&
      html`${destinations.length === 0 && html`<button type="button" class="small" data-testid="integration-delete" disabled=${isBusy} onClick=${remove}>${t("session.delete")}</button>`}
        <button type="button" class="small" data-testid="integration-toggle" disabled=${isBusy} onClick=${toggle}>${t(isRevoked ? "places.restore" : "places.revoke")}</button>`}
    </div>
    ${isRevoked && html`<p class="small muted">${t("places.revoked_text")}</p>`}
    <${Refusal} text=${refusal} />
    ${destinations.length === 0 && html`<p class="small muted">${t("places.none_here")}</p>`}
    <ul class="list" data-testid="destinations">
      ${destinations.map((destination) => html`<${Destination} key=${destination.id} ...${{ api, destination, keyPage, mayChange, isRevoked, onChange }} />`)}
    </ul>
  </section>`;
}
