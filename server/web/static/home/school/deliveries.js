// @ts-check
/** What a system was told last, and what came of it; looked at again while something waits. */

import { html, useEffect } from "../../shared/html.js";
import { known, t } from "../../shared/strings.js";
import { Loaded, useRemote } from "../remote.js";
import { day, timeOf } from "../times.js";

const SHOWN = 10;
const LOOK_AGAIN_MS = 1_500;
const COLOURS = { delivered: "ok", pending: "warn", failed: "bad" };

/** @param {{api: import("../../shared/rest.js").Rest, path: string}} props */
export function Deliveries({ api, path }) {
  const found = useRemote(async () => (await api.get(`${path}/deliveries?limit=${SHOWN}`)).items, []);
  const isWaiting = found.value?.some((/** @type {any} */ { status }) => status === "pending") ?? false;
  useEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && void found.load(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isWaiting]);
  return html`<${Loaded} of=${found}>
    ${(/** @type {any[]} */ deliveries) => html`
      ${deliveries.length === 0 && html`<p class="small muted" data-testid="no-deliveries">${t("webhooks.no_deliveries")}</p>`}
      <ul class="list small" data-testid="deliveries">
        ${deliveries.map(
          (each) => html`<li key=${each.id} class="row" data-testid="delivery" data-status=${each.status}>
            <span class="num muted">${day(each.created_at)}, ${timeOf(each.created_at)}</span>
            <span class="grow">${named(each.type)}${why(each) && html` <span class="muted">${why(each)}</span>`}</span>
            <span class=${`pill ${COLOURS[/** @type {keyof typeof COLOURS} */ (each.status)]}`}>${t(`webhooks.${each.status}`)}</span>
          </li>`,
        )}
      </ul>`}
  <//>`;
}

/** @param {string} type */
const named = (type) => (known(`webhooks.event.${type}`) ? t(`webhooks.event.${type}`) : type);

/** What went wrong last, and when it is tried again; of what was taken, nothing. @param {any} delivery */
function why({ status, attempts, last_error: error, last_status: answer, next_at: next }) {
  if (status === "delivered" || attempts === 0) return "";
  const fault = error === null ? "" : t(`webhooks.error.${error}`, { status: answer ?? "" });
  return next === null ? fault : `${fault} ${t("webhooks.again", { when: timeOf(next) })}`;
}
