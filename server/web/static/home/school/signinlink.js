// @ts-check
/** A link with which one person signs in, once. */

import { html, useState } from "../../shared/html.js";
import { t, when } from "../../shared/strings.js";
import { Refusal, useAct } from "../remote.js";
import { Once } from "./field.js";

const DAY_S = 86_400;

/** @param {{api: import("../../shared/rest.js").Rest, person: any, onClose: () => void}} props */
export function SignInLink({ api, person: { id, name }, onClose }) {
  const [made, setMade] = useState(/** @type {{url: string, expires_at: string}|null} */ (null));
  const { isBusy, refusal, run } = useAct();
  const make = () => run(async () => setMade(await api.post(`/v1/users/${id}/sign-in-links`, { ttl_seconds: DAY_S })));
  return html`<p class="small muted">${t("people.link_text", { name })}</p>
    ${made && html`<${Once} key=${made.url} name=${t("people.link_of", { name })} text=${made.url} testid="sign-in-link" />
      <p class="small muted">${t("invite.until", { when: when(made.expires_at) })}</p>`}
    <${Refusal} text=${refusal} />
    <div class="row end">
      ${made && html`<button type="button" data-testid="another-sign-in-link" disabled=${isBusy} onClick=${make}>${t("people.link_again")}</button>`}
      <button type="button" class=${made ? "primary" : ""} onClick=${onClose}>${t("close")}</button>
      ${!made && html`<button type="button" class="primary" data-testid="make-sign-in-link" disabled=${isBusy} onClick=${make}>${t("people.link_make")}</button>`}
    </div>`;
}
