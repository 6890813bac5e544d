// @ts-check
/** The player's controls: native elements, in the order that players have them. */

import { html } from "../shared/html.js";
import { hinted, isListed, keyed } from "../shared/keys.js";
import { duration, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Keys, keysOf } from "./keys.js";
import { RATES } from "./playing.js";
import { Timeline } from "./timeline.js";

const JUMP_MS = 10_000;

/** @param {{view: import("./view.js").View, large: () => void}} props */
export function Controls({ view, large }) {
  const { playing, playback, video, chapters, chapter, hasCaptions, language } = view;
  const { t: at, duration: whole, isPlaying, rate, hasMedia, sound } = playing;
  const toggle = () => (isPlaying.value ? playing.pause() : playing.play());
  const by = (/** @type {number} */ step) => playing.seek(at.value + step);
  const captions = () => (hasCaptions.value = !hasCaptions.value);
  const apart = () => void (document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture().catch(() => undefined));
  const faster = (/** @type {number} */ step) => {
    const next = RATES[RATES.indexOf(rate.value) + step];
    if (next !== undefined) playing.speed(next);
  };
  const here = chapters.value[chapter.value]?.text;
  const isQuiet = sound.value.isMuted || sound.value.volume === 0;
  return html`<div class="player" role="group" aria-label=${t("replay.controls")}>
    <${Keys} keys=${keysOf(playing, { large, captions, faster })} />
    <${Timeline} view=${view} />
    <div class="row buttons">
      <${Button} testid="play" label=${t(isPlaying.value ? "replay.pause" : "replay.play")} key_="k" icon=${isPlaying.value ? "pause" : "play"} onClick=${toggle} />
      <${Button} testid="back" label=${t("replay.back")} key_="j" icon="rewind" onClick=${() => by(-JUMP_MS)} />
      <${Button} testid="forward" label=${t("replay.forward")} key_="l" icon="fast-forward" onClick=${() => by(JUMP_MS)} />
      ${hasMedia.value &&
      html`<${Button} testid="mute" label=${t("replay.mute")} key_="m" pressed=${isQuiet} icon=${isQuiet ? "volume-x" : "volume-2"} onClick=${playing.mute} />
        <input type="range" class="volume" min="0" max="1" step="0.05" aria-label=${t("replay.volume")} value=${isQuiet ? 0 : sound.value.volume} onInput=${(/** @type {any} */ { target }) => playing.volume(Number(target.value))} />`}
      <span class="num clock" data-testid="time">${duration(at.value)} <span class="muted">/ ${duration(whole)}</span></span>
      <span class="grow here small muted" dir="auto">${here}</span>
      <select class="narrow" data-testid="speed" aria-label=${t("replay.speed")} title=${t("replay.speed")} value=${rate.value} onChange=${(/** @type {any} */ { target }) => playing.speed(Number(target.value))}>
        ${RATES.map((each) => html`<option key=${each} value=${each}>${each}×</option>`)}
      </select>
      ${playback.captions.length > 0 && html`<${Button} testid="captions" label=${t("replay.captions")} key_="c" pressed=${hasCaptions.value} icon="captions" onClick=${captions} />`}
      ${playback.captions.length > 1 &&
      html`<select class="narrow" aria-label=${t("replay.language")} value=${language.value} onChange=${(/** @type {any} */ { target }) => (language.value = target.value)}>
        ${playback.captions.map((tag) => html`<option key=${tag} value=${tag}>${named(tag)}</option>`)}
      </select>`}
      ${hasMedia.value && document.pictureInPictureEnabled && html`<${Button} testid="apart" label=${t("replay.apart")} icon="picture-in-picture-2" onClick=${apart} />`}
      <${Button} testid="keys-open" label=${t("keys.title")} key_="?" icon="circle-question-mark" onClick=${() => (isListed.value = true)} />
      <${Button} testid="large" label=${t("replay.large")} key_="f" icon="maximize" onClick=${large} />
    </div>
  </div>`;
}

/**
 * @param {{testid: string, label: string, icon: string, onClick: () => void, key_?: string,
 *   pressed?: boolean}} props `key_`: what presses it, too
 */
function Button({ testid, label, icon, onClick, key_, pressed }) {
  return html`<button type="button" class="control quiet" data-testid=${testid} aria-label=${label} title=${key_ ? hinted(label, key_) : label} aria-keyshortcuts=${key_ && keyed(key_)} aria-pressed=${pressed} onClick=${onClick}><${Icon} name=${icon} /></button>`;
}

/** A language by its name. @param {string} tag */
function named(tag) {
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag; // not every well-formed tag is a language
  }
}
