// @ts-check
/** The systems that are told what happens in the classes of the school (docs/webhooks.md). */

import { html, useState } from "../../shared/html.js";
import { t } from "../../shared/strings.js";
import { Dialog } from "../../shared/ui/dialog.js";
import { all, Loaded, useRemote } from "../remote.js";
import { Once } from "./field.js";
import { Webhook } from "./webhook.js";
import { WebhookForm } from "./webhookform.js";

/** @param {{api: import("../../shared/rest.js").Rest}} props */
export function Webhooks({ api }) {
  const [isAdding, setAdding] = useState(false);
  const [made, setMade] = useState(/** @type {any} */ (null));
  const found = useRemote(() => all(api, "/v1/webhook-endpoints"), []);
  const close = () => (setAdding(false), setMade(null));
  /** @param {any} answer */
  const done = (answer) => (setMade(answer), found.load());
  return html`<section class="stack" aria-labelledby="webhooks">
    <div class="row head">
      <h2 class="grow" id="webhooks">${t("school.webhooks")}</h2>
      <button type="button" class="primary" data-testid="add-webhook" onClick=${() => setAdding(true)}>${t("webhooks.add")}</button>
    </div>
    <p class="muted">${t("webhooks.text")}</p>
    <${Loaded} of=${found}>
      ${(/** @type {any[]} */ endpoints) => html`
        ${endpoints.length === 0 && html`<p class="empty" data-testid="no-webhooks">${t("webhooks.nothing")}</p>`}
        <ul class="stack" data-testid="webhooks">${endpoints.map((endpoint) => html`<${Webhook} key=${endpoint.id} onChange=${found.load} ...${{ api, endpoint }} />`)}</ul>`}
    <//>
    <${Dialog} isOpen=${isAdding} title=${t(made ? "webhooks.added" : "webhooks.add")} onClose=${close} testid="webhook-dialog">
      ${made
        ? html`<${Secret} secret=${made.secret} onClose=${close} />`
        : html`<${WebhookForm} save=${async (/** @type {object} */ body) => done(await api.post("/v1/webhook-endpoints", body))} onClose=${close} />`}
    <//>
  </section>`;
}

/** @param {{secret: string, onClose: () => void}} props */
export function Secret({ secret, onClose }) {
  return html`<p class="small">${t("webhooks.once")}</p>
    <${Once} name=${t("webhooks.secret")} text=${secret} testid="webhook-secret" />
    <div class="row end"><button type="button" class="primary" data-testid="secret-done" onClick=${onClose}>${t("webhooks.secret_kept")}</button></div>`;
}
