// @ts-check
/** The replay: the class as it was at each moment, or, before it is published, what was said. */

import "./words.js";

import { html, render } from "../shared/html.js";
import { addressOf, sessionId, tokenFor } from "../shared/page.js";
import { rest } from "../shared/rest.js";
import { effect, signal } from "../shared/signals.js";
import { emptyState, fold } from "../shared/state.js";
import { t } from "../shared/strings.js";
import { FullPage, NoToken } from "../shared/ui/fullpage.js";
import { HomeLink } from "../shared/ui/homelink.js";
import { Player } from "./player.js";
import { Said } from "./side.js";
import { opened } from "./view.js";

/** @typedef {ReturnType<typeof rest>} Rest */

const PAGE = 1000;
/** A recording that is being finalized is looked at this often. */
const LOOK_MS = 4_000;

/**
 * What there is to show: a replay; of one that is not published, what was said; or why nothing.
 * @type {import("../shared/signals.js").Signal<{kind: "loading"}
 *   | {kind: "open", view: import("./view.js").View}
 *   | {kind: "draft", isArchived: boolean, said: import("../shared/state.js").State}
 *   | {kind: "early"|"gone"|"expired"} | {kind: "refused"|"failed", text: string}>}
 */
const place = signal(/** @type {any} */ ({ kind: "loading" }));
const title = signal("");

/** @param {Rest} api @param {string} id */
async function load(api, id) {
  try {
    place.value = await found(api, id);
  } catch (problem) {
    const { status, message } = /** @type {import("../shared/rest.js").Problem} */ (problem);
    if (status === 401) place.value = { kind: "expired" };
    else if (status === 404) place.value = { kind: "gone" };
    else place.value = { kind: status === 403 ? "refused" : "failed", text: message };
  }
}

/** @param {Rest} api @param {string} id @returns {Promise<any>} */
async function found(api, id) {
  const replay = await api.get(`/v1/replays/${id}`).catch(ifMissing);
  if (replay === null) {
    const session = await api.get(`/v1/sessions/${id}`);
    title.value = session.title;
    if (session.ended_at === null) return { kind: "early" };
    return { kind: "draft", isArchived: session.status === "archived", said: await foldLog(api, id) };
  }
  title.value = replay.title;
  const [playback, start] = await Promise.all([api.get(`/v1/replays/${id}/playback`), startOf(api, id)]);
  if (replay.is_finalizing) setTimeout(() => void lookAgain(api, replay), LOOK_MS);
  return { kind: "open", view: opened({ replay, playback, start, api }) };
}

/** @param {any} problem */
function ifMissing(problem) {
  if (problem.status === 404) return null;
  throw problem;
}

/**
 * The picture comes when it is there, without a reload; whoever has it already, because it was
 * finished in between, goes on watching.
 * @param {Rest} api @param {any} known
 */
async function lookAgain(api, known) {
  const replay = await api.get(`/v1/replays/${known.id}`).catch(() => known); // asked again a little later
  const playback = replay.is_finalizing ? null : await api.get(`/v1/replays/${known.id}/playback`).catch(() => null);
  if (playback === null) return setTimeout(() => void lookAgain(api, known), LOOK_MS);
  const { value: now } = place;
  if (now.kind !== "open") return load(api, known.id);
  if (recordings(now.view.playback) === recordings(playback)) place.value = { kind: "open", view: { ...now.view, replay } };
  else {
    now.view.close();
    await load(api, known.id);
  }
}

/** Which recordings are played. @param {import("./playing.js").Playback} playback */
function recordings({ media }) {
  return media.map(({ recording }) => recording).join();
}

/**
 * Where the address says to begin: `t`, in seconds of the media, or `at`, in milliseconds since the class began.
 * @param {Rest} api @param {string} id @returns {Promise<number|null>}
 */
async function startOf(api, id) {
  const asked = new URLSearchParams(location.search);
  const seconds = Number.parseFloat(asked.get("t") ?? "");
  if (seconds >= 0) return seconds * 1000;
  const at = Number.parseInt(asked.get("at") ?? "", 10);
  return at >= 0 ? (await api.get(`/v1/replays/${id}/state?at=${at}`)).t : null;
}

/** @param {Rest} api @param {string} id */
async function foldLog(api, id) {
  let folded = emptyState();
  let position = 0;
  let head = 1;
  while (position < head) {
    const page = await api.get(`/v1/sessions/${id}/events?after=${position}&limit=${PAGE}`);
    folded = page.events.reduce(fold, folded);
    if (page.to <= position) break;
    position = page.to;
    head = page.head;
  }
  return folded;
}

/** @param {{api: Rest, id: string}} props */
function Replay({ api, id }) {
  const now = place.value;
  const says = (/** @type {string} */ why, /** @type {any} */ more = null, text = t(`${why}.text`)) =>
    html`<${FullPage} title=${t(`${why}.title`)} text=${text} testid=${why.replace(".", "-")}>${more}<//>`;
  switch (now.kind) {
    case "loading":
      return html`<${FullPage} title=${t("replay.title")} text=${t("replay.loading")} testid="replay-loading" />`;
    case "expired":
      return says("over.expired");
    case "gone":
      return says("replay.gone");
    case "early":
      return says("replay.early", html`<a class="button primary" href=${addressOf(id, "room")}>${t("over.to_room")}</a>`);
    case "refused":
      return says("replay.refused", null, now.text);
    case "failed":
      return says("replay.failed", html`<button type="button" class="primary" onClick=${() => load(api, id)}>${t("retry")}</button>`, now.text);
    case "draft":
      return html`<${Head} /><main class="fullpage said-only">
        <p class="banner" data-testid="not-published">${t(now.isArchived ? "replay.no_more" : "replay.not_published")}</p>
        <section class="card" aria-label=${t("chat.title")}><h2>${t("chat.title")}</h2><${Said} state=${now.said} /></section>
      </main>`;
    default: {
      const { view } = now;
      const change = (/** @type {any} */ replay) => (place.value = { kind: "open", view: { ...view, replay } });
      return html`<${Head} isStaff=${view.isStaff.value} /><${Player} view=${view} onChanged=${change} />`;
    }
  }
}

/** @param {{isStaff?: boolean}} props */
function Head({ isStaff = false }) {
  return html`<header class="bar"><${HomeLink} isStaff=${isStaff} /><h1 class="grow" dir="auto" data-testid="title">${title.value}</h1><span class="pill">${t("replay.title")}</span></header>`;
}

function start() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  const id = sessionId();
  const token = tokenFor(id);
  if (token === null) {
    render(html`<${NoToken} />`, root);
    return;
  }
  const api = rest(token);
  effect(() => void (document.title = title.value || t("replay.title")));
  void load(api, id);
  render(html`<${Replay} api=${api} id=${id} />`, root);
}

start();
