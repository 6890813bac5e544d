// @ts-check
/** The player's controls: native elements, and the keys that players have. */

import { html, useEffect } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @typedef {import("./playing.js").Playing} Playing @typedef {import("./cues.js").Cue} Cue */

const RATES = [0.75, 1, 1.25, 1.5, 1.75, 2];
const BACK_MS = 10_000;
const AHEAD_MS = 30_000;
const STEP_MS = 5_000;

/**
 * @param {{playing: Playing, chapters: Cue[], gaps: {at_ms: number, duration_ms: number}[],
 *   video: () => HTMLVideoElement|null, stage: () => HTMLElement|null,
 *   captions: import("../shared/signals.js").Signal<boolean>, hasCaptions: boolean}} props
 */
export function Controls({ playing, chapters, gaps, video, stage, captions, hasCaptions }) {
  const { t: at, duration: whole, isPlaying, rate, hasMedia } = playing;
  const toggle = () => (isPlaying.value ? playing.pause() : playing.play());
  const by = (/** @type {number} */ step) => playing.seek(at.value + step);
  const mute = () => {
    const element = video();
    if (element !== null) element.muted = !element.muted;
  };
  const large = () => void (document.fullscreenElement ? document.exitFullscreen() : stage()?.requestFullscreen());
  const apart = () => void (document.pictureInPictureElement ? document.exitPictureInPicture() : video()?.requestPictureInPicture().catch(() => undefined));
  const faster = (/** @type {number} */ step) => {
    const next = RATES[RATES.indexOf(rate.value) + step];
    if (next !== undefined) playing.speed(next);
  };

  useEffect(() => {
    /** @type {Record<string, () => void>} */
    const keys = {
      " ": toggle, k: toggle, j: () => by(-BACK_MS), l: () => by(AHEAD_MS), ArrowLeft: () => by(-STEP_MS),
      ArrowRight: () => by(STEP_MS), m: mute, f: large, c: () => (captions.value = !captions.value),
      "<": () => faster(-1), ">": () => faster(1),
      ...Object.fromEntries([...Array(10).keys()].map((tenth) => [String(tenth), () => playing.seek((whole * tenth) / 10)])),
    };
    /** @param {KeyboardEvent} event */
    const press = (event) => {
      const { target, key, ctrlKey, metaKey, altKey } = event;
      const isElsewhere = target instanceof HTMLElement && target.closest("input:not([type=range]), textarea, select, [role=tablist]");
      const isItsOwn = target instanceof HTMLElement && key === " " && target.closest("button, summary, a");
      if (isElsewhere || isItsOwn || ctrlKey || metaKey || altKey || keys[key] === undefined) return;
      event.preventDefault();
      keys[key]();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [playing]);

  const place = (/** @type {number} */ ms) => `${(100 * ms) / Math.max(1, whole)}%`;
  return html`<div class="player" role="group" aria-label=${t("replay.controls")}>
    <div class="time">
      <input
        type="range" data-testid="seek" min="0" max=${Math.max(1, whole)} step="1000" value=${at.value}
        aria-label=${t("replay.position")} aria-valuetext=${t("replay.of", { time: duration(at.value), whole: duration(whole) })}
        onInput=${(/** @type {any} */ { target }) => playing.seek(Number(target.value))}
      />
      ${chapters.map(({ start }) => start > 0 && html`<span key=${`c${start}`} class="mark" style=${{ left: place(start) }}></span>`)}
      ${gaps.map(({ at_ms: from }) => html`<span key=${`g${from}`} class="mark gap" data-testid="gap" style=${{ left: place(from) }}></span>`)}
    </div>
    <div class="row">
      <button type="button" class="control" data-testid="play" aria-label=${t(isPlaying.value ? "replay.pause" : "replay.play")} aria-keyshortcuts="k" onClick=${toggle}><${Icon} name=${isPlaying.value ? "pause" : "play"} /></button>
      <button type="button" class="control" data-testid="back" aria-label=${t("replay.back")} aria-keyshortcuts="j" onClick=${() => by(-BACK_MS)}><${Icon} name="rewind" /></button>
      <button type="button" class="control" data-testid="forward" aria-label=${t("replay.forward")} aria-keyshortcuts="l" onClick=${() => by(AHEAD_MS)}><${Icon} name="fast-forward" /></button>
      <span class="num" data-testid="time">${duration(at.value)} / ${duration(whole)}</span>
      <span class="grow"></span>
      <select class="narrow" data-testid="speed" aria-label=${t("replay.speed")} value=${rate.value} onChange=${(/** @type {any} */ { target }) => playing.speed(Number(target.value))}>
        ${RATES.map((each) => html`<option key=${each} value=${each}>${each}×</option>`)}
      </select>
      ${hasCaptions && html`<button type="button" class="control" data-testid="captions" aria-pressed=${captions.value} aria-label=${t("replay.captions")} aria-keyshortcuts="c" onClick=${() => (captions.value = !captions.value)}><${Icon} name="captions" /></button>`}
      ${hasMedia && html`<button type="button" class="control" aria-label=${t("replay.mute")} aria-keyshortcuts="m" onClick=${mute}><${Icon} name="volume-2" /></button>
        <button type="button" class="control" aria-label=${t("replay.apart")} onClick=${apart}><${Icon} name="picture-in-picture-2" /></button>`}
      <button type="button" class="control" aria-label=${t("replay.large")} aria-keyshortcuts="f" onClick=${large}><${Icon} name="maximize" /></button>
    </div>
  </div>`;
}
