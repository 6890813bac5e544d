// @ts-check
/** The front door: what this is, and a field for a link that somebody was given. */

import "../shared/words.js";

import { html, render, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";

function Landing() {
  const [link, setLink] = useState("");
  const [note, setNote] = useState("");
  /** @param {SubmitEvent} event */
  const go = (event) => {
    event.preventDefault();
    const url = URL.canParse(link.trim(), location.href) ? new URL(link.trim(), location.href) : null;
    if (url?.origin === location.origin && url.pathname.startsWith("/sessions/")) location.assign(url);
    else setNote(t("landing.not_ours"));
  };
  return html`<main class="fullpage">
    <h1>${t("landing.title")}</h1>
    <p class="muted">${t("landing.text")}</p>
    <form class="stack landing" onSubmit=${go}>
      <label>${t("landing.link")}
        <input data-testid="link" type="text" autocomplete="off" placeholder=${`${location.origin}/sessions/…`} value=${link} onInput=${(/** @type {any} */ event) => setLink(event.target.value)} />
      </label>
      <button class="primary" data-testid="open" disabled=${link.trim() === ""}>${t("landing.open")}</button>
      <p role="status" class="small">${note}</p>
    </form>
  </main>`;
}

render(html`<${Landing} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
