// @ts-check
/** Pages that say one thing. */

import { html } from "../html.js";
import { addressOf } from "../page.js";
import { t } from "../strings.js";

/**
 * A whole page that says one thing.
 * @param {{title: string, text: string, testid: string, children?: any}} props
 */
export function FullPage({ title, text, testid, children }) {
  return html`<main class="fullpage" data-testid=${testid}>
    <h1>${title}</h1>
    <p class="muted">${text}</p>
    ${children}
  </main>`;
}

/** The words for each final goodbye. @type {Record<number, string>} */
const GOODBYES = {
  4105: "expired",
  4500: "invalid",
  4503: "removed",
  4504: "banned",
  4505: "denied",
  4506: "origin",
  4507: "not_found",
  4509: "ended",
  4513: "abuse",
};

/** Why this page is over, as a page. @param {{id: string, code: number|null}} props */
export function Goodbye({ id, code }) {
  const why = GOODBYES[code ?? 0] ?? "outdated";
  return html`<${FullPage} title=${t(`over.${why}.title`)} text=${t(`over.${why}.text`)} testid=${`over-${why}`}>
    ${why === "ended" &&
    html`<a class="button primary" href=${addressOf(id, "replay")}>${t("over.replay")}</a>`}
    ${why === "outdated" &&
    html`<button class="primary" type="button" onClick=${() => location.reload()}>${t("over.reload")}</button>`}
  <//>`;
}
