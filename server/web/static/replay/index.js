// @ts-check
/** The replay: the recording where there is one, and what was said, folded from the same log. */

import { html, render, useEffect } from "../shared/html.js";
import { sessionId, tokenFor } from "../shared/page.js";
import { rest } from "../shared/rest.js";
import { signal } from "../shared/signals.js";
import { emptyState, fold } from "../shared/state.js";
import { clock, t } from "../shared/strings.js";
import { FullPage } from "../shared/ui/fullpage.js";

const HLS = "application/vnd.apple.mpegurl";
const PAGE = 1000;

const session = signal(/** @type {any} */ (null));
const state = signal(/** @type {import("../shared/state.js").State|null} */ (null));
const source = signal(/** @type {string|null} */ (null));
const isKnown = signal(false);
const trouble = signal("");

/** @param {ReturnType<typeof rest>} api @param {string} id */
async function load(api, id) {
  trouble.value = "";
  try {
    session.value = await api.get(`/v1/sessions/${id}`);
    await Promise.all([loadLog(api, id), loadPlayback(api, id)]);
  } catch (problem) {
    trouble.value = /** @type {Error} */ (problem).message;
  }
}

/** @param {ReturnType<typeof rest>} api @param {string} id */
async function loadLog(api, id) {
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
  state.value = folded;
}

/** @param {ReturnType<typeof rest>} api @param {string} id */
async function loadPlayback(api, id) {
  const { items } = await api.get(`/v1/sessions/${id}/playback`);
  source.value = items.find((/** @type {any} */ way) => way.kind === "hls")?.url ?? null;
  isKnown.value = true;
}

function Player() {
  const url = source.value;
  const isPlayable = document.createElement("video").canPlayType(HLS) !== "";
  if (!isKnown.value) return html`<p class="muted">${t("replay.loading")}</p>`;
  if (url === null) return html`<p class="muted" data-testid="no-recording">${t("replay.none")}</p>`;
  return html`<figure class="stack">
    ${isPlayable && html`<video controls playsinline src=${url} data-testid="player" aria-label=${t("replay.video")}></video>`}
    <figcaption class="small muted">
      ${isPlayable ? "" : t("replay.elsewhere")} <a href=${url} data-testid="recording-link">${t("replay.link")}</a>
    </figcaption>
  </figure>`;
}

/** @param {{api: import("../shared/rest.js").Rest, id: string}} props */
function Replay({ api, id }) {
  useEffect(() => void load(api, id), []);
  if (trouble.value) {
    return html`<${FullPage} title=${t("replay.failed")} text=${trouble.value} testid="replay-failed">
      <button type="button" class="primary" onClick=${() => load(api, id)}>${t("retry")}</button>
    <//>`;
  }
  const messages = (state.value?.messages ?? []).filter(({ removed }) => !removed);
  return html`<header class="bar"><h1 class="grow" dir="auto" data-testid="title">${session.value?.title ?? ""}</h1><span class="pill">${t("replay.title")}</span></header>
    <main class="replay">
      <${Player} />
      <section class="card" aria-label=${t("chat.title")}>
        <h2>${t("chat.title")}</h2>
        ${state.value !== null && messages.length === 0 && html`<p class="muted">${t("replay.silent")}</p>`}
        <ol class="list" data-testid="chat">
          ${messages.map(({ message, name, at, text }) => html`<li key=${message} data-testid="message">
            <span class="small muted"><strong dir="auto">${name}</strong> <time datetime=${at}>${clock(at)}</time></span>
            <p dir="auto">${text}</p>
          </li>`)}
        </ol>
      </section>
    </main>`;
}

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const id = sessionId();
const token = tokenFor(id);
render(
  token === null
    ? html`<${FullPage} title=${t("over.no_token.title")} text=${t("over.no_token.text")} testid="over-no_token" />`
    : html`<${Replay} api=${rest(token)} id=${id} />`,
  root,
);
