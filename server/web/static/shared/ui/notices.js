// @ts-check
/** What a page says of the connection and of refusals, quietly. */

import { html } from "../html.js";
import { t } from "../strings.js";

/**
 * What the connection is doing, quietly, once it has been away for longer than a blink.
 * @param {{classroom: import("../classroom.js").Classroom}} props
 */
export function ConnectionBanner({ classroom }) {
  const { status, attempt } = classroom.link.value;
  const text = {
    connecting: t("connection.connecting"),
    reconnecting: t("connection.reconnecting", { attempt }),
    offline: t("connection.offline"),
  }[/** @type {string} */ (status)];
  const isShown = classroom.isAway.value && text !== undefined;
  return html`<div role="status" data-testid="connection">
    ${isShown &&
    html`<div class="banner" data-testid="reconnecting">
      <span class="grow">${text}</span>
      <button class="small" type="button" onClick=${classroom.tryNow}>${t("connection.try_now")}</button>
    </div>`}
  </div>`;
}

/**
 * Refusals in the server's words; those of what was written stand in the chat.
 * @param {{classroom: import("../classroom.js").Classroom}} props
 */
export function Refusals({ classroom }) {
  const refused = classroom.actions.value.filter(
    ({ op, refusal }) => refusal !== null && op !== "chat.post",
  );
  return html`<div class="toasts" role="alert">
    ${refused.map(
      ({ key, refusal }) => html`<div class="toast" key=${key} data-testid="refusal">
        <span class="grow">${refusal}</span>
        <button class="small quiet" type="button" onClick=${() => classroom.dismiss(key)}>${t("dismiss")}</button>
      </div>`,
    )}
  </div>`;
}
