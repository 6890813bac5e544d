// @ts-check
/** Give a destination another stream key: it goes to the server's vault and is never shown again. */

import { html, useState } from "../shared/html.js";
import { STREAM_KEY_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";

const FORBIDDEN = 403;

/**
 * @param {{api: import("../shared/rest.js").Rest, destination: {id: string, name: string}|null,
 *   onClose: () => void}} props
 */
export function StreamKey({ api, destination, onClose }) {
  return html`<${Dialog} isOpen=${destination !== null} title=${t("key.title", { name: destination?.name ?? "" })} onClose=${onClose} testid="key-dialog">
    ${destination && html`<${Form} api=${api} id=${destination.id} onClose=${onClose} />`}
  <//>`;
}

/** @param {{api: import("../shared/rest.js").Rest, id: string, onClose: () => void}} props */
function Form({ api, id, onClose }) {
  const [key, write] = useState("");
  const [isSending, setSending] = useState(false);
  const [trouble, tell] = useState(/** @type {{status: number, message: string}|null} */ (null));
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    setSending(true);
    try {
      await api.send("PUT", `/v1/destinations/${id}/stream-key`, { stream_key: key.trim() });
      onClose();
    } catch (problem) {
      tell(/** @type {import("../shared/rest.js").Problem} */ (problem));
      setSending(false);
    }
  };
  const isForbidden = trouble?.status === FORBIDDEN;
  return html`<form class="stack" onSubmit=${save}>
    <p class="small muted">${t("key.text")}</p>
    <label>${t("key.new")}
      <input type="password" autocomplete="off" spellcheck="false" data-testid="key-input" maxlength=${STREAM_KEY_LENGTH} value=${key} onInput=${(/** @type {any} */ event) => write(event.target.value)} />
    </label>
    <p role="alert" class="small" data-testid="key-trouble">
      ${isForbidden ? t("key.elsewhere") : trouble?.message ?? ""}
      ${isForbidden && html` <a href="/destinations" target="_blank" rel="opener">${t("key.home")}</a>`}
    </p>
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="key-save" disabled=${isSending || key.trim() === ""}>${t("key.save")}</button>
    </div>
  </form>`;
}
