// @ts-check
/** The replay: the class as it was at each moment, or, before it is published, what was said. */

import "../shared/words.js";

import { html, render } from "../shared/html.js";
import { sessionId, tokenFor } from "../shared/page.js";
import { rest } from "../shared/rest.js";
import { effect, signal } from "../shared/signals.js";
import { emptyState, fold } from "../shared/state.js";
import { t } from "../shared/strings.js";
import { FullPage } from "../shared/ui/fullpage.js";
import { opened, Player } from "./player.js";
import { Said } from "./side.js";

const PAGE = 1000;

const title = signal("");
const view = signal(/** @type {ReturnType<typeof opened>|null} */ (null));
/** What was said, where there is no replay for this person yet. */
const said = signal(/** @type {import("../shared/state.js").State|null} */ (null));
const trouble = signal("");

/** @param {ReturnType<typeof rest>} api @param {string} id */
async function load(api, id) {
  trouble.value = "";
  try {
    const replay = await api.get(`/v1/replays/${id}`).catch((problem) => {
      if (problem.status === 404) return null;
      throw problem;
    });
    if (replay === null) {
      title.value = (await api.get(`/v1/sessions/${id}`)).title;
      said.value = await foldLog(api, id);
      return;
    }
    title.value = replay.title;
    const [playback, start] = await Promise.all([api.get(`/v1/replays/${id}/playback`), startOf(api, id)]);
    view.value = opened({ replay, playback, start, api });
  } catch (problem) {
    trouble.value = /** @type {Error} */ (problem).message;
  }
}

/**
 * Where the address says to begin: `t`, in seconds of the media, or `at`, in milliseconds since the class began.
 * @param {ReturnType<typeof rest>} api @param {string} id @returns {Promise<number|null>}
 */
async function startOf(api, id) {
  const asked = new URLSearchParams(location.search);
  const seconds = Number.parseFloat(asked.get("t") ?? "");
  if (seconds >= 0) return seconds * 1000;
  const at = Number.parseInt(asked.get("at") ?? "", 10);
  return at >= 0 ? (await api.get(`/v1/replays/${id}/state?at=${at}`)).t : null;
}

/** @param {ReturnType<typeof rest>} api @param {string} id */
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

/** @param {{api: ReturnType<typeof rest>, id: string}} props */
function Replay({ api, id }) {
  if (trouble.value) {
    return html`<${FullPage} title=${t("replay.failed")} text=${trouble.value} testid="replay-failed">
      <button type="button" class="primary" onClick=${() => load(api, id)}>${t("retry")}</button>
    <//>`;
  }
  if (view.value === null && said.value === null) {
    return html`<${FullPage} title=${t("replay.title")} text=${t("replay.loading")} testid="replay-loading" />`;
  }
  return html`<header class="bar"><h1 class="grow" dir="auto" data-testid="title">${title.value}</h1><span class="pill">${t("replay.title")}</span></header>
    ${view.value && html`<${Player} view=${view.value} />`}
    ${said.value &&
    html`<main class="fullpage said-only">
      <p class="muted" data-testid="not-published">${t("replay.not_published")}</p>
      <section class="card" aria-label=${t("chat.title")}><h2>${t("chat.title")}</h2><${Said} state=${said.value} /></section>
    </main>`}`;
}

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const id = sessionId();
const token = tokenFor(id);
if (token === null) {
  render(html`<${FullPage} title=${t("over.no_token.title")} text=${t("over.no_token.text")} testid="over-no_token" />`, root);
} else {
  const api = rest(token);
  effect(() => void (document.title = title.value || t("replay.title")));
  void load(api, id);
  render(html`<${Replay} api=${api} id=${id} />`, root);
}
