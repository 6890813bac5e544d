// @ts-check
/** One place to stream to: another key, a try, and its end. The key goes in and never comes back. */

import { html, useState } from "../shared/html.js";
import { STREAM_KEY_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Menu } from "../shared/ui/menu.js";
import { Confirm } from "./confirm.js";
import { Refusal, told, useAct } from "./remote.js";

/** @typedef {import("../shared/rest.js").Rest} Rest */

/**
 * @param {{api: Rest, destination: any, keyPage: string, mayChange: boolean, isRevoked: boolean,
 *   onChange: () => void}} props
 */
export function Destination({ api, destination, keyPage, mayChange, isRevoked, onChange }) {
  const [asking, ask] = useState("");
  const [said, setSaid] = useState(/** @type {string[]} */ ([]));
  const [outcome, setOutcome] = useState(/** @type {""|"trying"|"taken"|"refused"} */ (""));
  const { id, name, url, warnings } = destination;
  const attempt = async () => {
    setSaid([]);
    setOutcome("trying");
    try {
      let isTaken = false;
      await api.told(`/v1/destinations/${id}/test`, (line) => {
        if (line.said) setSaid((before) => [...before, line.said]);
        if ("taken" in line) isTaken = line.taken;
      });
      setOutcome(isTaken ? "taken" : "refused");
    } catch (problem) {
      setSaid((before) => [...before, told(problem)]);
      setOutcome("refused");
    }
  };
  return html`<li class="stack" data-testid="destination">
    <div class="row">
      <div class="grow">
        <p class="name" dir="auto" data-testid="destination-name">${name}</p>
        <p class="small muted address">${url}</p>
      </div>
      ${mayChange &&
      html`<button type="button" data-testid="destination-test" disabled=${outcome === "trying" || isRevoked} onClick=${attempt}>${t(outcome === "trying" ? "places.testing" : "places.test")}</button>
        <button type="button" data-testid="destination-key" onClick=${() => ask("key")}>${t("places.key")}</button>
        <${Menu} label=${t("session.actions", { title: name })} testid="destination-actions" actions=${[{ testid: "destination-delete", label: t("session.delete"), onChoose: () => ask("delete") }]} />`}
    </div>
    ${warnings.map((/** @type {any} */ { code, text }) => html`<p key=${code} class="small warning">${text}</p>`)}
    <div role="status">
      ${outcome !== "" &&
      html`<div class=${`trial ${outcome} stack`} data-testid="trial" data-outcome=${outcome}>
        <p class="row"><span class=${`pill ${{ trying: "warn", taken: "ok", refused: "bad" }[outcome]}`}>${t(`places.${outcome}`)}</span></p>
        <ol class="small">${said.map((sentence, at) => html`<li key=${at}>${sentence}</li>`)}</ol>
      </div>`}
    </div>
    <${Dialog} isOpen=${asking === "key"} title=${t("places.key_title", { name })} onClose=${() => ask("")} testid="key-dialog">
      <${NewKey} ...${{ api, id, keyPage }} onDone=${() => (ask(""), setOutcome(""))} onClose=${() => ask("")} />
    <//>
    <${Dialog} isOpen=${asking === "delete"} title=${t("places.delete_title")} onClose=${() => ask("")} testid="delete-dialog">
      <${Confirm} text=${t("places.delete_text", { name })} label=${t("session.delete")} act=${() => api.send("DELETE", `/v1/destinations/${id}`)} onDone=${() => (ask(""), onChange())} onClose=${() => ask("")} />
    <//>
  </li>`;
}

/** @param {{api: Rest, id: string, keyPage: string, onDone: () => void, onClose: () => void}} props */
function NewKey({ api, id, keyPage, onDone, onClose }) {
  const [key, setKey] = useState("");
  const { isBusy, refusal, run } = useAct();
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    if (await run(() => api.send("PUT", `/v1/destinations/${id}/stream-key`, { stream_key: key.trim() }))) onDone();
  };
  return html`<form class="stack" onSubmit=${save}>
    <${KeyField} ...${{ value: key, onInput: setKey, keyPage }} />
    <${Refusal} text=${refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="key-save" disabled=${isBusy || key.trim() === ""}>${t("places.key_save")}</button>
    </div>
  </form>`;
}

/** A stream key: it can be pasted, and not be read over a shoulder. @param {{value: string, onInput: (key: string) => void, keyPage: string}} props */
export function KeyField({ value, onInput, keyPage }) {
  return html`<label class="field">${t("places.stream_key")}
      <input type="password" autocomplete="off" data-testid="stream-key" maxlength=${STREAM_KEY_LENGTH} aria-describedby="key-help" value=${value} onInput=${(/** @type {any} */ { target }) => onInput(target.value)} />
    </label>
    <p class="small muted" id="key-help">${keyPage ? `${t("places.key_where", { page: keyPage })} ` : ""}${t("places.key_never")}</p>`;
}
