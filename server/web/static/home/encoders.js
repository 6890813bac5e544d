// @ts-check
/** Teach with OBS or another encoder: its address and a token, which is shown this once. */

import { html, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t, when } from "../shared/strings.js";
import { all, Loaded, Refusal, useAct, useRemote } from "./remote.js";

/** @param {{api: import("../shared/rest.js").Rest, id: string, onClose: () => void}} props */
export function Encoders({ api, id, onClose }) {
  const path = `/v1/sessions/${id}/publish-tokens`;
  const [name, setName] = useState("OBS");
  const [made, setMade] = useState(/** @type {any} */ (null));
  const tokens = useRemote(() => all(api, path), []);
  const { isBusy, refusal, run } = useAct();
  /** @param {SubmitEvent} event */
  const make = async (event) => {
    event.preventDefault();
    await run(async () => setMade(await api.post(path, { name: name.trim() })));
    await tokens.load();
  };
  /** @param {string} token */
  const revoke = async (token) => {
    await run(() => api.send("DELETE", `${path}/${token}`));
    if (made?.publish_token.id === token) setMade(null);
    await tokens.load();
  };
  return html`<p class="small muted">${t("encoder.text")}</p>
    <${Loaded} of=${tokens}>
      ${(/** @type {any[]} */ known) => html`<ul class="list" data-testid="encoders">
        ${known.map(
          (each) => html`<li key=${each.id} class="row">
            <span class="grow"><span dir="auto">${each.name}</span> <span class="small muted">${each.used_at ? t("encoder.used", { when: when(each.used_at) }) : t("encoder.unused")}</span></span>
            <button type="button" class="small" aria-label=${t("encoder.revoke_of", { name: each.name })} disabled=${isBusy} onClick=${() => revoke(each.id)}>${t("encoder.revoke")}</button>
          </li>`,
        )}
      </ul>`}
    <//>
    ${made &&
    html`<div class="card stack once" data-testid="encoder-made">
      <p class="small">${t("encoder.once")}</p>
      <label class="field">${t("encoder.server")}<input readonly value=${made.url} onFocus=${(/** @type {any} */ { target }) => target.select()} /></label>
      <label class="field">${t("encoder.token")}<input readonly data-testid="encoder-token" value=${made.token} onFocus=${(/** @type {any} */ { target }) => target.select()} /></label>
    </div>`}
    <form class="row" onSubmit=${make}>
      <input class="grow" aria-label=${t("encoder.name")} placeholder=${t("encoder.name")} maxlength=${SHORT_TEXT_LENGTH} data-testid="encoder-name" value=${name} onInput=${(/** @type {any} */ { target }) => setName(target.value)} />
      <button data-testid="encoder-make" disabled=${isBusy || name.trim() === ""}>${t("encoder.make")}</button>
    </form>
    <${Refusal} text=${refusal} />
    <div class="row end"><button type="button" onClick=${onClose}>${t("close")}</button></div>`;
}
