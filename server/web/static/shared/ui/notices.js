// @ts-check
/** What a page says of the connection and of refusals, quietly. */

import { html } from "../html.js";
import { t } from "../strings.js";

/**
 * What the connection is doing, quietly, once it has been away for longer than a blink; and that
 * one is back, with what was said meanwhile.
 * @param {{classroom: import("../classroom.js").Classroom}} props
 */
export function ConnectionBanner({ classroom }) {
  const { link, away, isReady } = classroom;
  const { isAway, isLong, missed } = away;
  const text = isLong.value ? t("connection.long") : words(link.value, isReady.value);
  return html`<div role="status" data-testid="connection">
    ${isAway.value &&
    html`<div class="banner" data-testid="reconnecting">
      <span class="grow">${text}</span>
      ${isLong.value && html`<button class="small" type="button" data-testid="try-now" onClick=${classroom.tryNow}>${t("connection.try_now")}</button>`}
    </div>`}
    ${missed.value !== null &&
    html`<p class="banner ok" data-testid="back">${missed.value === 0 ? t("connection.back") : t("connection.missed", { count: missed.value })}</p>`}
  </div>`;
}

/** @param {import("../socket.js").Link} link @param {boolean} wasHere */
function words({ status, attempt }, wasHere) {
  if (status === "offline") return t("connection.offline");
  if (status === "reconnecting" && wasHere) return t("connection.reconnecting", { attempt });
  return t("connection.connecting");
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
