// @ts-check
/** A replay that is there: the picture, the class at that moment, chapters, and where one was. */

import { html, useEffect, useRef } from "../shared/html.js";
import { pictures } from "../shared/pictures.js";
import { Shown, shownAsset } from "../shared/shown.js";
import { effect, signal, useSignal } from "../shared/signals.js";
import { emptyState } from "../shared/state.js";
import { keep, kept } from "../shared/storage.js";
import { duration, t, when } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Controls } from "./controls.js";
import { cues, current } from "./cues.js";
import { moments } from "./moments.js";
import { playing as player } from "./playing.js";
import { Side } from "./side.js";

/** @typedef {import("./cues.js").Cue} Cue */

const SAVED_EVERY_MS = 5_000;
/** Not worth asking whether to continue there. */
const NEAR_MS = 15_000;

/**
 * @param {{replay: any, playback: import("./playing.js").Playback, start: number|null,
 *   api: import("../shared/rest.js").Rest}} options
 */
export function opened({ replay, playback, start, api }) {
  const path = `/v1/replays/${replay.id}`;
  const video = document.createElement("video");
  video.playsInline = true;
  video.setAttribute("aria-label", t("replay.video"));
  video.dataset.testid = "player";
  const playing = player({ playback, video, again: () => api.get(`${path}/playback`) });
  const state = signal(emptyState());
  const trouble = signal("");
  const chapters = signal(/** @type {Cue[]} */ ([]));
  const transcript = signal(/** @type {Cue[]} */ ([]));
  const text = async (/** @type {string} */ name) => cues(await (await api.file(`${path}/${name}`)).text());
  text("chapters.vtt").then((found) => (chapters.value = found), () => undefined); // a replay can do without
  const [language] = playback.captions;
  if (language) text(`captions/${language}.vtt`).then((found) => (transcript.value = found), () => undefined);

  const history = moments({ replay: replay.id, api, onState: (next) => (state.value = next) });
  effect(() => {
    history.at(playing.t.value).then(
      () => (trouble.value = ""),
      (problem) => (trouble.value = problem.message),
    );
  });
  const place = `replay.${replay.id}`;
  const left = Number(kept(place) ?? 0);
  let savedAt = 0;
  effect(() => {
    const now = playing.t.value;
    if (Math.abs(now - savedAt) < SAVED_EVERY_MS) return;
    savedAt = now;
    keep(place, String(Math.round(now)));
  });
  if (start !== null) playing.seek(start);
  const isWorthwhile = start === null && left > NEAR_MS && left < playback.duration_ms - NEAR_MS;
  return {
    replay, playback, video, playing, state, trouble, chapters, transcript,
    pages: pictures({ session: replay.id, api }),
    captions: signal(true),
    continueAt: signal(isWorthwhile ? left : null),
    actions: signal([]),
  };
}

/** @param {{view: ReturnType<typeof opened>}} props */
export function Player({ view }) {
  const { replay, playback, video, playing, state, trouble, chapters, transcript, captions, continueAt } = view;
  const stage = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    stage.current?.prepend(video);
    return () => playing.close();
  }, []);
  const isShowing = shownAsset(state.value) !== undefined;
  const cue = transcript.value[current(transcript.value, playing.t.value)];
  const isSaid = captions.value && cue !== undefined && playing.t.value < cue.end;
  const chapter = current(chapters.value, playing.t.value);
  return html`<main class="replay">
    <div class="stack">
      ${continueAt.value !== null &&
      html`<div class="banner" role="status" data-testid="continue">
        <span class="grow">${t("replay.left", { time: duration(continueAt.value) })}</span>
        <button type="button" class="small primary" onClick=${() => (playing.seek(continueAt.value ?? 0), (continueAt.value = null))}>${t("replay.continue")}</button>
        <button type="button" class="small quiet" onClick=${() => (continueAt.value = null)}>${t("dismiss")}</button>
      </div>`}
      <figure ref=${stage} class="stage" data-testid="stage" data-main=${isShowing || !playing.hasMedia ? "shown" : "video"} data-picture=${playing.hasMedia ? "yes" : "no"}>
        <${Shown} classroom=${{ state, actions: view.actions }} pictures=${view.pages} />
        ${!playing.hasMedia && !isShowing && html`<figcaption class="cover" data-testid="no-recording">${t("replay.none")}</figcaption>`}
        ${playing.trouble.value &&
        html`<figcaption class="cover" role="alert"><p>${t("replay.broken")}</p><button type="button" class="primary" onClick=${playing.retry}>${t("retry")}</button></figcaption>`}
        ${isSaid && html`<p class="subtitle" data-testid="subtitle" dir="auto">${cue.text}</p>`}
      </figure>
      <${Controls} playing=${playing} chapters=${chapters.value} gaps=${playback.gaps} video=${() => video} stage=${() => stage.current} captions=${captions} hasCaptions=${transcript.value.length > 0} />
      ${trouble.value && html`<p class="small" role="alert">${trouble.value}</p>`}
      ${replay.processing && html`<p class="small muted" data-testid="processing">${replay.processing}</p>`}
      ${playback.gaps.map((gap) => html`<p key=${gap.at_ms} class="small muted"><${Icon} name="triangle-alert" /> ${t("replay.gap", { time: duration(gap.at_ms), length: duration(gap.duration_ms) })}</p>`)}
      ${chapters.value.length > 0 &&
      html`<nav aria-label=${t("replay.chapters")}><ol class="row" data-testid="chapters">
        ${chapters.value.map(({ start, text }, index) => html`<li key=${start}><button type="button" class="small" data-testid="chapter" aria-current=${index === chapter ? "true" : undefined} onClick=${() => playing.seek(start)}><span class="num muted">${duration(start)}</span> <span dir="auto">${text}</span></button></li>`)}
      </ol></nav>`}
      <${About} view=${view} />
    </div>
    <${Side} state=${state.value} playing=${playing} transcript=${transcript.value} />
  </main>`;
}

/** What this is, and a link to this moment. @param {{view: ReturnType<typeof opened>}} props */
function About({ view: { replay, playing } }) {
  const note = useSignal("");
  const share = async () => {
    const url = new URL(location.pathname, location.origin);
    url.searchParams.set("t", String(Math.floor(playing.t.value / 1000)));
    try {
      await navigator.clipboard.writeText(url.href);
      note.value = t("invite.copied");
    } catch {
      note.value = url.href; // only the clipboard is out of reach
    }
  };
  return html`<section class="row small muted">
    <span>${when(replay.started_at)} · ${duration(Date.parse(replay.ended_at) - Date.parse(replay.started_at))}</span>
    <span class="grow"></span>
    <button type="button" class="small" data-testid="share" onClick=${share}><${Icon} name="share-2" />${t("replay.share", { time: duration(playing.t.value) })}</button>
    <span role="status">${note}</span>
  </section>`;
}
