// @ts-check
/**
 * One number over ten minutes, as a line. What has stopped coming stays as it was, in grey.
 */

import { html } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { KEPT_MS } from "./history.js";

const WIDTH = 600;
const HEIGHT = 80;
/** Samples further apart are not joined. */
const GAP_MS = 5_000;
const LEAST_MS = 60_000;

/** @typedef {{at: number, value: number}} Point */

/**
 * The path through the points, in a box of WIDTH × HEIGHT, up to `most`; broken where nothing came.
 * @param {Point[]} points @param {number} from @param {number} to @param {number} most
 */
export function path(points, from, to, most) {
  return points
    .map(({ at, value }, index) => {
      const x = (WIDTH * (at - from)) / (to - from);
      const y = HEIGHT * (1 - value / most);
      const isJoined = index > 0 && at - points[index - 1].at <= GAP_MS;
      return `${isJoined ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}${isJoined ? "" : "h.01"}`;
    })
    .join("");
}

/** A round number that nothing is above. @param {number} value */
export function ceiling(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/**
 * @param {{label: string, unit: string, points: Point[], isStale: boolean, colour: string}} props
 */
export function Chart({ label, unit, points, isStale, colour }) {
  const last = points.at(-1);
  if (last === undefined) return html`<figure class="chart stale"><figcaption class="small">${label} <span class="muted">${t("health.no_data")}</span></figcaption></figure>`;
  const from = Math.max(last.at - KEPT_MS, Math.min(points[0].at, last.at - LEAST_MS));
  const values = points.map(({ value }) => value);
  const most = ceiling(Math.max(...values));
  const shown = (/** @type {number} */ value) => `${Number(value.toFixed(1)).toLocaleString()} ${unit}`;
  const minutes = Math.max(1, Math.round((last.at - from) / 60_000));
  const summary = t("chart.summary", { label, now: shown(last.value), low: shown(Math.min(...values)), high: shown(Math.max(...values)), minutes });
  return html`<figure class=${`chart ${colour} ${isStale ? "stale" : ""}`} data-testid="chart">
    <figcaption class="row small"><span class="grow">${label}</span><strong class="num">${shown(last.value)}</strong></figcaption>
    <svg viewBox=${`0 -3 ${WIDTH} ${HEIGHT + 6}`} preserveAspectRatio="none" role="img" aria-label=${summary}>
      <path class="grid" d=${`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
      <path class="line" d=${path(points, from, last.at, most)} />
    </svg>
    <div class="row small muted num"><span class="grow">${t("chart.ago", { minutes })}</span><span>${t("chart.most", { most: shown(most) })}</span></div>
  </figure>`;
}
