// @ts-check
/** The front door: what this is, a field for whatever link somebody was given, and what was open. */

import { html, useState } from "../shared/html.js";
import { rest } from "../shared/rest.js";
import { t } from "../shared/strings.js";
import { FullPage } from "../shared/ui/fullpage.js";
import { adopt, claims, codeIn, entered, exchange, note } from "./account.js";
import { useRemote } from "./remote.js";

const MOST = 5;

/** A link to sign in was opened. */
export function Entering() {
  return html`<${FullPage} title=${t("door.entering")} text=${t("home.loading")} testid="entering" />`;
}

export function Door() {
  const [link, setLink] = useState("");
  const [said, setSaid] = useState("");
  /** @param {SubmitEvent} event */
  const open = (event) => {
    event.preventDefault();
    const given = link.trim();
    const code = codeIn(given);
    if (code !== null) return void exchange(code);
    if (claims(given)?.role) return adopt(given);
    const url = URL.canParse(given, location.href) ? new URL(given, location.href) : null;
    const token = new URLSearchParams(url?.hash.slice(1)).get("token");
    if (url?.origin === location.origin && (url.pathname === "/join" || url.pathname.startsWith("/sessions/"))) location.assign(url);
    else if (url?.origin === location.origin && token) adopt(token);
    else setSaid(t("door.not_ours"));
  };
  return html`<main class="door">
    <div class="stack">
      <p class="mark" aria-hidden="true"></p>
      <h1>${t("home.title")}</h1>
      <p class="muted">${t("door.text")}</p>
      <p role="alert" class="refusal" data-testid="door-note">${note.value}</p>
      <form class="stack" onSubmit=${open}>
        <label class="field">${t("door.link")}
          <input data-testid="link" type="text" autocomplete="off" spellcheck="false" placeholder=${`${location.origin}/…`} value=${link} onInput=${(/** @type {any} */ event) => setLink(event.target.value)} />
        </label>
        <button class="primary" data-testid="open" disabled=${link.trim() === ""}>${t("door.open")}</button>
        <p role="status" class="small">${said}</p>
      </form>
      <${Entered} />
      <details class="small muted">
        <summary>${t("door.how")}</summary>
        <ul class="stack">
          <li>${t("door.how_student")}</li>
          <li>${t("door.how_teacher")}</li>
          <li>${t("door.how_admin")}</li>
        </ul>
      </details>
    </div>
  </main>`;
}

/** The classes that this tab has links to. */
function Entered() {
  const { value } = useRemote(async () => {
    const known = entered().slice(0, MOST);
    const found = await Promise.all(
      known.map(({ id, token }) => rest(token).get(`/v1/sessions/${id}`).then((session) => ({ ...session, role: claims(token)?.role }), () => null)),
    );
    return found.filter((session) => session !== null);
  }, []);
  if (!value?.length) return null;
  return html`<section class="card stack" aria-label=${t("door.entered")} data-testid="entered">
    <h2>${t("door.entered")}</h2>
    <ul class="list">
      ${value.map(
        (/** @type {any} */ { id, title, status, role }) => html`<li key=${id}>
          <a href=${`/sessions/${id}/${status === "ended" || status === "archived" ? "replay" : role === "student" ? "room" : "studio"}`} dir="auto">${title}</a>
        </li>`,
      )}
    </ul>
  </section>`;
}
