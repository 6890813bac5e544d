// @ts-check
/** A new place to stream to: which platform, where, and with which key. */

import { html, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH, URL_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { KeyField } from "./destination.js";
import { Refusal, useAct } from "./remote.js";

/**
 * @param {{api: import("../shared/rest.js").Rest, providers: any[], integrations: any[], onDone: () => void,
 *   onClose: () => void}} props
 */
export function NewDestination({ api, providers, integrations, onDone, onClose }) {
  const [provider, setProvider] = useState(providers[0]);
  const [form, setForm] = useState({ name: providers[0].title, url: providers[0].ingest ?? "", backup: providers[0].backup ?? "", key: "" });
  const { isBusy, refusal, run } = useAct();
  const change = (/** @type {Partial<typeof form>} */ some) => setForm({ ...form, ...some });
  /** @param {any} chosen */
  const choose = (chosen) => {
    setProvider(chosen);
    setForm({ ...form, name: chosen.title, url: chosen.ingest ?? "", backup: chosen.backup ?? "" });
  };
  /** The account to use: the one there is, or a new one. */
  const account = async () => {
    const known = integrations.find((each) => each.provider === provider.name && each.status === "active");
    if (known) return known.id;
    const made = await api.post("/v1/integrations", { provider: provider.name });
    integrations.push(made); // so that another try makes no other account
    return made.id;
  };
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    const isDone = await run(async () =>
      api.post("/v1/destinations", {
        integration: await account(),
        name: form.name.trim(),
        url: form.url.trim(),
        backup_url: form.backup.trim() || null,
        profile: provider.is_strict ? "strict" : "tolerant",
        stream_key: form.key.trim(),
      }),
    );
    if (isDone) onDone();
  };
  return html`<form class="stack" onSubmit=${save}>
    <fieldset class="choices"><legend class="small muted">${t("places.platform")}</legend>
      ${providers.map(
        (each) => html`<label key=${each.name} class="choice-card">
          <input type="radio" name="provider" data-testid=${`provider-${each.name}`} checked=${each === provider} onChange=${() => choose(each)} /> ${each.title}
        </label>`,
      )}
    </fieldset>
    <p class="small muted">${takes(provider)}</p>
    <label class="field">${t("home.name")}
      <input data-testid="destination-name-field" dir="auto" required maxlength=${SHORT_TEXT_LENGTH} value=${form.name} onInput=${(/** @type {any} */ { target }) => change({ name: target.value })} />
    </label>
    <${KeyField} value=${form.key} onInput=${(/** @type {string} */ key) => change({ key })} keyPage=${provider.key_page} />
    <details class="stack" open=${provider.ingest === null}><summary class="small">${t("places.addresses")}</summary>
    <label class="field">${t("places.url")}
      <input data-testid="destination-url" inputmode="url" spellcheck="false" required maxlength=${URL_LENGTH} placeholder="rtmps://live.example/app" value=${form.url} onInput=${(/** @type {any} */ { target }) => change({ url: target.value })} />
    </label>
    <label class="field">${t("places.backup")}
      <input data-testid="destination-backup" inputmode="url" spellcheck="false" maxlength=${URL_LENGTH} value=${form.backup} onInput=${(/** @type {any} */ { target }) => change({ backup: target.value })} />
    </label>
    </details>
    <${Refusal} text=${refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="destination-save" disabled=${isBusy || !form.name.trim() || !form.url.trim() || !form.key.trim()}>${t("places.save")}</button>
    </div>
  </form>`;
}

/** What a platform takes, in a sentence. @param {any} provider */
function takes({ title, height, fps, video_kbps: kbps, hours }) {
  if (!height || !kbps) return t("places.takes_any");
  const most = t("places.takes", { title, height, fps: fps ?? 30, mbps: Math.round(kbps / 100) / 10 });
  return hours ? `${most} ${t("places.hours", { hours })}` : most;
}
