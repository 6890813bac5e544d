// @ts-check
/** Where messages go, and about what. */

import { html, useState } from "../../shared/html.js";
import { SHORT_TEXT_LENGTH, URL_LENGTH } from "../../shared/lengths.js";
import { t } from "../../shared/strings.js";
import { Refusal, useAct } from "../remote.js";
import { EVENTS, PERSONAL } from "./events.js";
import { Field } from "./field.js";

/**
 * @param {{endpoint?: any, save: (body: object) => Promise<unknown>, onClose: () => void}} props `endpoint`: the one to change
 */
export function WebhookForm({ endpoint, save, onClose }) {
  const [url, setUrl] = useState(endpoint?.url ?? "");
  const [description, setDescription] = useState(endpoint?.description ?? "");
  const [events, setEvents] = useState(/** @type {string[]} */ (endpoint?.events ?? EVENTS.filter((each) => !PERSONAL.includes(each))));
  const { isBusy, refusal, field, run } = useAct();
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    void run(() => save({ url: url.trim(), description: description.trim(), events: EVENTS.filter((each) => events.includes(each)) }));
  };
  const toggle = (/** @type {string} */ name) => setEvents(events.includes(name) ? events.filter((each) => each !== name) : [...events, name]);
  const isOfUrl = field === "" || field === "url";
  return html`<form class="stack" onSubmit=${submit}>
    <${Field} name=${t("webhooks.url")} testid="webhook-url" type="url" inputmode="url" spellcheck="false" required maxlength=${URL_LENGTH} placeholder="https://school.example/hooks" value=${url} onInput=${setUrl} hint=${t("webhooks.url_hint")} error=${isOfUrl ? refusal : ""} />
    <${Field} name=${t("webhooks.description")} testid="webhook-description" dir="auto" maxlength=${SHORT_TEXT_LENGTH} placeholder=${t("webhooks.description_example")} value=${description} onInput=${setDescription} />
    <fieldset class="stack tight"><legend class="small muted">${t("webhooks.events")}</legend>
      <div class="checks">
        ${EVENTS.map(
          (each) => html`<label key=${each} class="choice small"><input type="checkbox" data-testid=${`event-${each}`} checked=${events.includes(each)} onChange=${() => toggle(each)} /> ${t(`webhooks.event.${each}`)}</label>`,
        )}
      </div>
      <p class="small muted">${t("webhooks.personal")}</p>
    </fieldset>
    <${Refusal} text=${isOfUrl ? "" : refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="webhook-save" disabled=${isBusy || url.trim() === "" || events.length === 0}>${t(endpoint ? "home.save" : "webhooks.save")}</button>
    </div>
  </form>`;
}
