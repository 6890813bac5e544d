// @ts-check
/** One system that is told: whether it listens, what it was told last, a test, and its end. */

import { html, useState } from "../../shared/html.js";
import { t } from "../../shared/strings.js";
import { Dialog } from "../../shared/ui/dialog.js";
import { Menu } from "../../shared/ui/menu.js";
import { Confirm } from "../confirm.js";
import { Refusal, useAct } from "../remote.js";
import { day, timeOf } from "../times.js";
import { Deliveries } from "./deliveries.js";
import { WebhookForm } from "./webhookform.js";
import { Secret } from "./webhooks.js";

/** @param {{api: import("../../shared/rest.js").Rest, endpoint: any, onChange: () => void}} props */
export function Webhook({ api, endpoint, onChange }) {
  const [asking, ask] = useState("");
  const [secret, setSecret] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [tests, setTests] = useState(0);
  const { isBusy, refusal, run } = useAct();
  const { id, url, description, status, disabled_reason: reason, failing_since: failing, previous_secret_until: until } = endpoint;
  const path = `/v1/webhook-endpoints/${id}`;
  const name = description || new URL(url).host;
  const isActive = status === "active";
  const close = () => (ask(""), setSecret(""));
  const done = () => (close(), onChange());
  const toggle = async () => {
    if (await run(() => api.send("PATCH", path, { status: isActive ? "disabled" : "active" }))) onChange();
  };
  const test = async () => {
    if (await run(() => api.post(`${path}/ping`, {}))) setOpen(true), setTests(tests + 1);
  };
  const actions = [
    { testid: "webhook-change", label: t("people.change"), onChoose: () => ask("change") },
    { testid: "webhook-rotate", label: t("webhooks.rotate"), onChoose: () => ask("rotate") },
    { testid: "webhook-redrive", label: t("webhooks.redrive"), onChoose: () => run(() => api.post(`${path}/redrive`, {})).then(() => (setOpen(true), setTests(tests + 1))) },
    { testid: "webhook-toggle", label: t(isActive ? "webhooks.disable" : "webhooks.enable"), onChoose: toggle },
    { testid: "webhook-delete", label: t("session.delete"), onChoose: () => ask("delete") },
  ];
  return html`<li class="card stack webhook" data-testid="webhook" data-status=${status}>
    <div class="row">
      <div class="what grow">
        <h3 class="name"><span dir="auto" data-testid="webhook-name">${name}</span></h3>
        <p class="small muted address">${url}</p>
      </div>
      <span class=${`pill ${isActive ? (failing ? "warn" : "ok") : "bad"}`} data-testid="webhook-status">${t(isActive ? (failing ? "webhooks.failing" : "webhooks.active") : "webhooks.disabled")}</span>
      <div class="row acts">
        <button type="button" data-testid="webhook-test" disabled=${isBusy || !isActive} onClick=${test}>${t("webhooks.test")}</button>
        <button type="button" data-testid="webhook-deliveries" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${t("webhooks.deliveries")}</button>
        <${Menu} label=${t("session.actions", { title: name })} testid="webhook-actions" actions=${actions} />
      </div>
    </div>
    ${isActive && failing && html`<p class="small warning">${t("webhooks.failing_since", { when: `${day(failing)}, ${timeOf(failing)}` })}</p>`}
    ${!isActive && html`<p class="small warning" data-testid="webhook-why">${t(`webhooks.why_${reason ?? "asked"}`)}</p>`}
    ${until && html`<p class="small muted">${t("webhooks.both_until", { when: `${day(until)}, ${timeOf(until)}` })}</p>`}
    <${Refusal} text=${refusal} />
    ${isOpen && html`<${Deliveries} key=${tests} ...${{ api, path }} />`}
    <${Dialog} isOpen=${asking === "change"} title=${t("webhooks.change")} onClose=${close} testid="webhook-change-dialog">
      <${WebhookForm} endpoint=${endpoint} save=${async (/** @type {object} */ body) => (await api.send("PATCH", path, body), done())} onClose=${close} />
    <//>
    <${Dialog} isOpen=${asking === "rotate"} title=${t("webhooks.rotate_title")} onClose=${done} testid="rotate-dialog">
      ${secret
        ? html`<${Secret} secret=${secret} onClose=${done} />`
        : html`<${Confirm} text=${t("webhooks.rotate_text")} label=${t("webhooks.rotate")} act=${async () => setSecret((await api.post(`${path}/rotate-secret`, {})).secret)} onDone=${() => undefined} onClose=${close} />`}
    <//>
    <${Dialog} isOpen=${asking === "delete"} isGrave title=${t("webhooks.delete_title")} onClose=${close} testid="delete-dialog">
      <${Confirm} text=${t("webhooks.delete_text", { name })} label=${t("session.delete")} act=${() => api.send("DELETE", path)} onDone=${done} onClose=${close} />
    <//>
  </li>`;
}
