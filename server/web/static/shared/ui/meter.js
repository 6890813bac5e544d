// @ts-check
/** How loud it is: twelve segments, and the loudest of the last moment stays. */

import { html, useRef } from "../html.js";
import { t } from "../strings.js";

export const SEGMENTS = 12;
const HELD_MS = 1_500;
const QUIET = 0.3;
const LOUD = 0.92;

/** How many segments are lit. @param {number} level from 0 (−60 dB) to 1 */
export function lit(level) {
  return Math.round(level * SEGMENTS);
}

/** The peak that is shown: the last one while it is fresh, or what is louder. @param {{level: number, at: number}} last @param {number} level @param {number} now */
export function held(last, level, now) {
  return level >= last.level || now - last.at > HELD_MS ? { level, at: now } : last;
}

/** In a word. @param {number} level @returns {"silent"|"quiet"|"good"|"loud"} */
export function loudness(level) {
  if (lit(level) === 0) return "silent";
  if (level < QUIET) return "quiet";
  return level < LOUD ? "good" : "loud";
}

/** @param {{level: import("../signals.js").Signal<number>, label: string, testid: string}} props */
export function Meter({ level, label, testid }) {
  const peak = useRef({ level: 0, at: 0 });
  const now = level.value;
  peak.current = held(peak.current, now, performance.now());
  const word = t(`meter.${loudness(now)}`);
  return html`<div
    class="meter"
    role="meter"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax=${SEGMENTS}
    aria-valuenow=${lit(now)}
    aria-valuetext=${t("meter.text", { word, decibels: Math.round(60 * (now - 1)) })}
    data-testid=${testid}
  >
    ${Array.from({ length: SEGMENTS }, (_, index) => {
      const isLit = index < lit(now);
      const isPeak = index === lit(peak.current.level) - 1;
      return html`<span key=${index} class=${isLit ? "lit" : isPeak ? "peak" : ""}></span>`;
    })}
  </div>`;
}
