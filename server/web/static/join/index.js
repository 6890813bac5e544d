// @ts-check
/** The way into a class by its link: say a name, and be in. */

import "./words.js";
import { keepFocus } from "../shared/focus.js";
import { html, render, useEffect, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { rest } from "../shared/rest.js";
import { effect, signal } from "../shared/signals.js";
import { keep, kept as stored } from "../shared/storage.js";
import { t, when } from "../shared/strings.js";
import { FullPage } from "../shared/ui/fullpage.js";
import { Icon } from "../shared/ui/icon.js";
import { keepJoined, kept } from "./kept.js";
import { Trouble, persistently } from "./persistence.js";

/** @typedef {import("./kept.js").Kept} Kept */

const CODE = /lcjoin_[\w-]{43}/;

/** What the link leads to; null: not known yet. */
const found = signal(/** @type {any} */ (null));
/** Why nobody comes in by it. */
const why = signal(/** @type {""|"gone"|"closed"|"full"} */ (""));
const refusal = signal("");
const isJoining = signal(false);
const api = rest("");

let code = "";

/** Find out what the link in the address leads to. */
async function begin() {
  // Whatever a chat has put behind the link does not belong to it.
  code = location.hash.match(CODE)?.[0] ?? "";
  found.value = null;
  why.value = code === "" ? "gone" : "";
  if (code === "") return;
  const asked = code;
  try {
    const answer = await persistently(() => api.post("/v1/join-link", { code: asked }));
    if (asked === code) found.value = answer;
  } catch (problem) {
    if (asked === code) refused(problem);
  }
}

/** @param {unknown} problem */
function refused(problem) {
  const { status, code: reason, message } = /** @type {import("../shared/rest.js").Problem} */ (problem);
  if (reason === "session_ended") found.value = { ...found.value, status: "ended" };
  else if (reason === "conflict") why.value = "full";
  else if (status === 404) why.value = "gone";
  else if (status === 403) why.value = "closed";
  else refusal.value = t("join.refused", { why: message });
}

/** @param {string} name */
async function join(name) {
  isJoining.value = true;
  refusal.value = "";
  const before = kept(code, found.value.session);
  try {
    if (before?.name === name) return enter(before);
    const made = await persistently(() => api.post("/v1/join", { code, name }));
    keep("name", name);
    keepJoined({ code, session: made.session, token: made.token, name: made.name, expires_at: made.expires_at });
    enter(made);
  } catch (problem) {
    isJoining.value = false;
    refused(problem);
  }
}

/** @param {{session: string, token: string}} joined @param {"room"|"replay"} [page] */
function enter({ session, token }, page = "room") {
  location.assign(`/sessions/${session}/${page}#token=${token}`);
}

function Page() {
  const link = found.value;
  if (why.value !== "") return html`<${Closed} why=${why.value} before=${kept(code, link?.session)} />`;
  if (link === null) return html`<${FullPage} title=${t("join.looking")} text=${t("join.looking_text")} testid="join-looking"><${Trouble} /><${Refused} /><//>`;
  const before = kept(code, link.session);
  if (link.status === "ended" || link.status === "archived") return html`<${Over} link=${link} before=${before} />`;
  if (link.is_full) return html`<${Closed} why="full" before=${before} />`;
  return html`<${Welcome} key=${link.session} link=${link} before=${before} />`;
}

/** @param {{link: any, before: Kept|null}} props */
function Welcome({ link, before }) {
  const [name, setName] = useState(before?.name ?? stored("name") ?? "");
  const wanted = name.trim();
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (wanted !== "") void join(wanted);
  };
  return html`<main class="join" data-testid="join">
    <div class="stack">
      <p class="mark" aria-hidden="true"></p>
      <div class="about">
        ${link.status === "live" && html`<p><span class="pill live">● ${t("status.live")}</span></p>`}
        <h1 data-testid="join-title"><bdi>${link.title}</bdi></h1>
        ${link.host && html`<p class="muted" data-testid="join-host">${t("join.host", { host: link.host })}</p>`}
        <p data-testid="join-when">${begins(link)}</p>
      </div>
      <form class="card stack" onSubmit=${submit}>
        <label class="name">${t("join.name")}
          <input ref=${focused} data-testid="join-name" name="name" dir="auto" autocomplete="name" maxlength=${SHORT_TEXT_LENGTH} aria-describedby="join-hint" value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
        </label>
        <p id="join-hint" class="small muted">${before !== null && before.name === wanted ? t("join.before") : t("join.name_hint")}</p>
        <button class="primary" data-testid="join-go" disabled=${wanted === "" || isJoining.value}>${t(isJoining.value ? "join.joining" : "join.join")}</button>
        <${Trouble} />
        <${Refused} />
      </form>
      ${link.status !== "live" && html`<p class="small muted">${t("join.early")}</p>`}
    </div>
  </main>`;
}

/** Nothing else can be done here than to say a name. @param {HTMLInputElement|null} field */
const focused = (field) => field?.focus();

/** When the class is, in words. @param {{status: string, scheduled_at: string|null}} link */
function begins({ status, scheduled_at: at }) {
  if (status === "live") return t("join.live");
  if (at === null) return t("join.open");
  return t(Date.parse(at) > Date.now() ? "join.when" : "join.late", { when: when(at) });
}

function Refused() {
  return html`<p role="alert" class="refusal small" data-testid="join-refused">${refusal.value}</p>`;
}

/** @param {{why: "gone"|"closed"|"full", before: Kept|null}} props */
function Closed({ why, before }) {
  return html`<${FullPage} title=${t(`join.${why}.title`)} text=${t(`join.${why}.text`)} testid=${`join-${why}`}>
    ${before !== null &&
    html`<button type="button" class="primary" data-testid="join-back" dir="auto" onClick=${() => enter(before)}>${t("join.back", { name: before.name })}</button>`}
  <//>`;
}

/** @param {{link: any, before: Kept|null}} props */
function Over({ link, before }) {
  const [isPublished, setPublished] = useState(false);
  useEffect(() => {
    if (before === null) return;
    rest(before.token).get(`/v1/sessions/${link.session}/replay`).then(() => setPublished(true), () => undefined);
  }, []);
  return html`<${FullPage} title=${t("join.over.title")} text=${t("join.over.text", { title: link.title })} testid="join-over">
    ${isPublished &&
    before !== null &&
    html`<button type="button" class="primary" data-testid="join-replay" onClick=${() => enter(before, "replay")}><${Icon} name="play" />${t("join.replay")}</button>`}
  <//>`;
}

document.title = t("join.title");
void begin();
addEventListener("hashchange", () => void begin());
// Who comes back from the room with the browser's own button finds the page as it was left.
addEventListener("pageshow", () => (isJoining.value = false));
effect(() => {
  if (found.value?.title) document.title = found.value.title;
});
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
keepFocus(root);
render(html`<${Page} />`, root);
