// @ts-check
/** Picture and page as the class saw them, with the controls: what goes full screen together. */

import { html, useLayoutEffect, useRef } from "../shared/html.js";
import { Shown, shownAsset } from "../shared/shown.js";
import { signal, useSignal } from "../shared/signals.js";
import { t, when } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Controls } from "./controls.js";
import { current } from "./cues.js";

/** @typedef {import("./view.js").View} View */

/** Full screen, the controls go away after this time without a move. */
const IDLE_MS = 3_000;
const NO_ACTIONS = signal([]);

/** @param {{view: View}} props */
export function Screen({ view }) {
  const { video, playing, state, transcript, hasCaptions, pages } = view;
  const screen = useRef(/** @type {HTMLElement|null} */ (null));
  const stage = useRef(/** @type {HTMLElement|null} */ (null));
  const isSwapped = useSignal(false);
  const isIdle = useSignal(false);
  useLayoutEffect(() => {
    stage.current?.prepend(video);
    return () => video.remove();
  }, [video]);
  useLayoutEffect(() => {
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;
    const stir = () => {
      clearTimeout(timer);
      isIdle.value = false;
      timer = setTimeout(() => (isIdle.value = true), IDLE_MS);
    };
    const moves = ["pointermove", "pointerdown", "keydown"];
    for (const move of moves) addEventListener(move, stir);
    return () => {
      clearTimeout(timer);
      for (const move of moves) removeEventListener(move, stir);
    };
  }, []);
  const large = () => void (document.fullscreenElement ? document.exitFullscreen() : screen.current?.requestFullscreen());
  const toggle = (/** @type {MouseEvent} */ { target }) => {
    if (target instanceof Element && target.closest("button, a")) return;
    if (playing.isPlaying.value) playing.pause();
    else playing.play();
  };
  const hasPicture = playing.hasMedia.value;
  const isShowing = shownAsset(state.value) !== undefined;
  const main = !hasPicture || (isShowing && !isSwapped.value) ? "shown" : "video";
  const cue = transcript.value[current(transcript.value, playing.t.value)];
  const isFresh = playing.t.value === 0 && !playing.isPlaying.value && !playing.isBroken.value;
  const isSaid = hasCaptions.value && !isFresh && !playing.isBroken.value && cue !== undefined && playing.t.value < cue.end;
  return html`<div class="screen" ref=${screen} data-idle=${isIdle.value && playing.isPlaying.value}>
    <figure ref=${stage} class="stage" data-testid="stage" data-main=${main} data-picture=${hasPicture ? "yes" : "no"} onClick=${toggle} onDblClick=${large}>
      <${Shown} classroom=${{ parts: view.parts, actions: NO_ACTIONS }} pictures=${pages} />
      ${!hasPicture && !isShowing && html`<figcaption class="cover"><${Absent} view=${view} /></figcaption>`}
      ${playing.isBroken.value &&
      html`<figcaption class="cover" data-testid="broken">
        <p role="alert">${t("replay.broken")}</p>
        <div class="row"><button type="button" class="primary" data-testid="retry" onClick=${playing.retry}>${t("retry")}</button>
        <button type="button" data-testid="without" onClick=${playing.goWithout}>${t("replay.without")}</button></div>
      </figcaption>`}
      ${playing.isWaiting.value && playing.isPlaying.value && html`<span class="spinner" role="status" aria-label=${t("replay.loading")}></span>`}
      ${isFresh && (hasPicture || isShowing) && html`<button type="button" class="begin" data-testid="begin" aria-label=${t("replay.begin")} onClick=${() => playing.play()}><${Icon} name="play" /></button>`}
      ${isSaid && html`<p class="subtitle" data-testid="subtitle" dir="auto"><span>${cue.text}</span></p>`}
      ${isShowing && hasPicture &&
      html`<button type="button" class="swap small" data-testid="swap" aria-pressed=${isSwapped.value} onClick=${() => (isSwapped.value = !isSwapped.value)}>
        <${Icon} name="picture-in-picture-2" />${t(isSwapped.value ? "stage.page_large" : "stage.video_large")}
      </button>`}
    </figure>
    <${Controls} view=${view} large=${large} />
  </div>`;
}

/** Why there is no picture. @param {{view: View}} props */
function Absent({ view: { replay, playback } }) {
  if (replay.recordings_deleted_at) return html`<p data-testid="deleted">${t("replay.deleted", { when: when(replay.recordings_deleted_at) })}</p>`;
  if (replay.is_finalizing && playback.media.length === 0) {
    return html`<p data-testid="processing">${t("replay.processing")}</p>
      <progress aria-label=${t("replay.processing")}></progress>
      <p class="small">${t("replay.processing_text")}</p>`;
  }
  if (replay.processing) return html`<p data-testid="waiting">${replay.processing}</p>`;
  return html`<p data-testid="no-recording">${t(playback.media.length > 0 ? "replay.left_out" : "replay.none")}</p>`;
}
