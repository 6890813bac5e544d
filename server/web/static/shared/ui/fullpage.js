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

/** What somebody may do about it: come again, or with another link. @type {Record<string, "again"|"link">} */
const WAYS_OUT = {
  expired: "link", invalid: "link", not_found: "link", banned: "link", origin: "link",
  removed: "again", denied: "again", abuse: "again", outdated: "again",
};

/** Nobody gets in without a link. */
export function NoToken() {
  return html`<${FullPage} title=${t("over.no_token.title")} text=${t("over.no_token.text")} testid="over-no_token"><${OtherLink} /><//>`;
}

function OtherLink() {
  return html`<a class="button primary" href="/" data-testid="other-link">${t("over.link")}</a>`;
}

/** Why this page is over, as a page. @param {{id: string, code: number|null}} props */
export function Goodbye({ id, code }) {
  const why = GOODBYES[code ?? 0] ?? "outdated";
  return html`<${FullPage} title=${t(`over.${why}.title`)} text=${t(`over.${why}.text`)} testid=${`over-${why}`}>
    ${why === "ended" &&
    html`<a class="button primary" href=${addressOf(id, "replay")}>${t("over.replay")}</a>`}
    ${WAYS_OUT[why] === "link" && html`<${OtherLink} />`}
    ${WAYS_OUT[why] === "again" &&
    html`<button class="primary" type="button" onClick=${() => location.reload()}>${why === "outdated" ? t("over.reload") : t("over.again")}</button>`}
  <//>`;
}
