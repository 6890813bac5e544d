// @ts-check
/** The bar of time: where one is, what is loaded, chapters, and what was not recorded. */

import { html, useState } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { current } from "./cues.js";

/** The bar goes in whole seconds; its last one is a whole one, so that it reaches the end. */
const STEP_MS = 1000;

/** @param {{view: import("./view.js").View}} props */
export function Timeline({ view: { playing, playback, chapters } }) {
  const { t: at, duration: whole, loadedTo, hasMedia } = playing;
  const [pointed, point] = useState(/** @type {number|null} */ (null));
  const part = (/** @type {number} */ ms) => `${(100 * Math.min(ms, whole)) / Math.max(1, whole)}%`;
  const titles = chapters.value;
  const named = pointed === null ? -1 : current(titles, pointed);
  /** @param {PointerEvent} event */
  const look = (event) => {
    const { left, width } = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
    point(Math.min(1, Math.max(0, (event.clientX - left) / width)) * whole);
  };
  const chapter = titles[current(titles, at.value)];
  return html`<div class="time" onPointerMove=${look} onPointerLeave=${() => point(null)}>
    <div class="track" aria-hidden="true">
      ${hasMedia.value && html`<span class="loaded" style=${{ width: part(Math.max(at.value, loadedTo.value)) }}></span>`}
      <span class="played" style=${{ width: part(at.value) }}></span>
      ${titles.map(({ start }) => start > 0 && html`<span key=${`c${start}`} class="mark" style=${{ left: part(start) }}></span>`)}
    </div>
    ${playback.gaps.map(({ at_ms: from }) => html`<span key=${`g${from}`} class="gap" data-testid="gap" aria-hidden="true" style=${{ left: part(from) }}></span>`)}
    <input
      type="range" data-testid="seek" data-follows-keys min="0" max=${Math.max(1, Math.ceil(whole / STEP_MS)) * STEP_MS} step=${STEP_MS} value=${at.value}
      aria-label=${t("replay.position")}
      aria-valuetext=${[t("replay.of", { time: duration(at.value), whole: duration(whole) }), chapter?.text].filter(Boolean).join(", ")}
      onInput=${(/** @type {any} */ { target }) => playing.seek(Number(target.value))}
    />
    ${pointed !== null &&
    html`<span class="pointed num" aria-hidden="true" style=${{ left: part(pointed) }}>
      ${duration(pointed)}${named >= 0 && html`<span dir="auto">${titles[named].text}</span>`}
    </span>`}
  </div>`;
}
