// @ts-check
/** The class as two curves over one time: how many were there, and how many were lost. */

import { html, useEffect, useRef, useState } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { marks, peak } from "./figures.js";

/** @typedef {import("./figures.js").Bin} Bin @typedef {import("./figures.js").Step} Step */

const MINUTE_MS = 60_000;
const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 240].map((minutes) => minutes * MINUTE_MS);
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const LEFT = 40;
const RIGHT = 8;
const TOP = 30;
const PRESENT = 90;
const LOST = 120;
const BETWEEN = 48;
const FOOT = 24;
const HEIGHT = TOP + PRESENT + BETWEEN + LOST + FOOT;

/**
 * @param {{bins: Bin[], steps: Step[], length: number, moment: (at: number) => string}} props
 *   `moment`: where a moment of the replay is
 */
export function Chart({ bins, steps, length, moment }) {
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const [width, setWidth] = useState(720);
  useEffect(() => {
    const fit = new ResizeObserver(([{ contentRect }]) => setWidth(Math.max(260, contentRect.width)));
    fit.observe(/** @type {HTMLElement} */ (box.current));
    return () => fit.disconnect();
  }, []);
  const x = (/** @type {number} */ at) => LEFT + ((width - LEFT - RIGHT) * Math.min(at, length)) / Math.max(1, length);
  const most = Math.max(1, peak(steps));
  const worst = Math.max(1, ...bins.map(({ people }) => people.lost));
  const foot = TOP + PRESENT + BETWEEN + LOST;
  const present = (/** @type {number} */ count) => TOP + PRESENT - (PRESENT * count) / most;
  const lost = (/** @type {number} */ count) => foot - (LOST * count) / worst;
  const curve = steps.map(({ at, count }) => `H${x(at)}V${present(count)}`).join("");
  const gravest = bins.reduce((a, b) => (b.people.lost > a.people.lost ? b : a));
  const label = gravest.people.lost === 0
    ? t("report.chart_calm", { most })
    : t("report.chart", { most, lost: gravest.people.lost, time: duration(gravest.from) });
  return html`<div ref=${box} class="chart" data-testid="chart">
    <svg width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`} role="group" aria-label=${label}>
      <${Scale} of=${marks(most, COUNTS, 3)} y=${present} width=${width} />
      <path class="present" d=${`M${x(0)} ${present(0)}${curve}H${x(length)}V${present(0)}Z`} />
      <text class="title" x="0" y=${TOP - 12}>${t("report.present")}</text>
      <${Scale} of=${marks(worst, COUNTS, 3)} y=${lost} width=${width} />
      ${bins.map(({ from, to, people }) => people.lost > 0 && html`<a key=${from} href=${moment(from)} aria-label=${t("report.lost_at", { count: people.lost, time: duration(from) })}>
        <rect class="lost" x=${x(from) + 1} y=${lost(people.lost)} width=${Math.max(2, x(to) - x(from) - 2)} height=${foot - lost(people.lost)} rx="2" />
        <title>${t("report.lost_at", { count: people.lost, time: duration(from) })}</title>
      </a>`)}
      <text class="title" x="0" y=${TOP + PRESENT + BETWEEN - 12}>${t("report.lost")}</text>
      ${marks(length, TIMES, Math.max(2, Math.floor(width / 110))).map((at) => html`<text key=${at} class="tick" x=${x(at)} y=${HEIGHT - 6} text-anchor=${at === 0 ? "start" : x(at) > width - 30 ? "end" : "middle"}>${duration(at)}</text>`)}
    </svg>
  </div>`;
}

/** Lines for counts. @param {{of: number[], y: (count: number) => number, width: number}} props */
function Scale({ of, y, width }) {
  return of.map((count) => html`<g key=${count}>
    <line class="grid" x1=${LEFT} x2=${width - RIGHT} y1=${y(count)} y2=${y(count)} />
    <text class="tick" x=${LEFT - 8} y=${y(count) + 4} text-anchor="end">${count}</text>
  </g>`);
}
