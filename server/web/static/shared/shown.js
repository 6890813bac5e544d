// @ts-check
/** What the class is shown beside the teacher: a page of slides, or a board, with its strokes. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { t } from "./strings.js";
import { draw, place } from "./strokes.js";

/** @typedef {import("./state/stage.js").Stroke} Stroke */
/** @typedef {{tool: Stroke["tool"], colour: string, width: number}} Pen */

const MOST_POINTS = 512;
/** Closer than this, in 1/10,000, a point adds nothing to a line. */
const STEP = 15;
const BOARD = 16 / 9;

/** Return the asset that is shown, or undefined. @param {Pick<import("./state.js").State, "assets"|"shown">} state */
export function shownAsset({ assets, shown }) {
  return shown === null ? undefined : assets.find(({ asset }) => asset === shown.asset);
}

/**
 * With a `pen`, one may draw on it.
 * @param {{classroom: import("./classroom.js").Classroom,
 *   pictures: import("./pictures.js").Pictures, pen?: Pen|null}} props
 */
export function Shown({ classroom, pictures, pen = null }) {
  const { parts } = classroom;
  const shown = parts.shown.value;
  const asset = shownAsset({ assets: parts.assets.value, shown });
  const [picture, setPicture] = useState({ of: "", url: "", failed: false });
  const [ratio, setRatio] = useState(4 / 3);
  const of = shown === null ? "" : `${shown.asset}/${shown.page}`;
  const isSlide = asset?.asset_type === "slide";
  useEffect(() => {
    if (!isSlide || shown === null) return;
    pictures.page(shown.asset, shown.page).then(
      (url) => setPicture({ of, url, failed: false }),
      () => setPicture({ of, url: "", failed: true }),
    );
    pictures.ahead(asset, shown.page);
  }, [of, isSlide]);
  if (asset === undefined || shown === null || asset.asset_type === "media") return null;
  const here = parts.strokes.value.filter((each) => each.asset === asset.asset && each.stroke.page === shown.page);
  const label = isSlide
    ? t("shown.slide", { name: asset.name, page: shown.page, pages: asset.pages ?? 1 })
    : t("shown.board", { name: asset.name });
  const isThere = !isSlide || picture.of === of;
  return html`<div class="shown" data-testid="shown" data-page=${shown.page}>
    <div class="page" style=${{ "--ratio": isSlide ? ratio : BOARD }}>
      ${isSlide
        ? html`<img alt=${label} src=${picture.url || undefined} onLoad=${(/** @type {any} */ { target }) => setRatio(target.naturalWidth / target.naturalHeight)} data-testid="slide" data-loaded=${isThere && picture.url !== ""} />`
        : html`<div role="img" aria-label=${label} class="board" data-testid="board"></div>`}
      <${Strokes} classroom=${classroom} shown=${shown} strokes=${here.map(({ stroke }) => stroke)} pen=${pen} />
    </div>
    ${picture.failed && isThere && html`<p class="small" role="status">${t("shown.failed")}</p>`}
  </div>`;
}

/**
 * @param {{classroom: import("./classroom.js").Classroom, shown: import("./state/stage.js").Shown,
 *   strokes: Stroke[], pen: Pen|null}} props
 */
function Strokes({ classroom, shown, strokes, pen }) {
  const canvas = useRef(/** @type {HTMLCanvasElement|null} */ (null));
  const line = useRef(/** @type {number[]|null} */ (null));
  /** Where the page was when the line was begun: it follows the hand, also when the page moves. */
  const box = useRef(new DOMRect());
  // One's own strokes show at once, also while they are on their way.
  const sent = classroom.actions.value.filter(
    ({ op, data, refusal }) => op === "board.draw" && refusal === null && data.asset === shown.asset && data.stroke.page === shown.page,
  );
  const all = [...strokes, ...sent.map(({ data }) => data.stroke)];
  const current = useRef(all);
  current.current = all;
  const paint = () => {
    const element = canvas.current;
    if (element === null) return;
    const own = line.current !== null && pen !== null ? [{ ...pen, points: line.current, page: shown.page }] : [];
    draw(element, [...current.current, ...own]);
  };
  useLayoutEffect(paint);
  useLayoutEffect(() => {
    const element = /** @type {HTMLCanvasElement} */ (canvas.current);
    const fit = new ResizeObserver(() => {
      const { width, height } = element.getBoundingClientRect();
      element.width = Math.round(width * devicePixelRatio);
      element.height = Math.round(height * devicePixelRatio);
      paint();
    });
    fit.observe(element);
    return () => fit.disconnect();
  }, []);

  /** @param {PointerEvent} event */
  const begin = (event) => {
    if (pen === null || event.button !== 0) return;
    canvas.current?.setPointerCapture(event.pointerId);
    box.current = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
    line.current = place(event, box.current);
    paint();
  };
  /** @param {PointerEvent} event */
  const go = (event) => {
    const points = line.current;
    if (points === null) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length > 0 ? steps : [event]) {
      const [x, y] = place(step, box.current);
      const isFar = Math.hypot(x - points[points.length - 2], y - points[points.length - 1]) >= STEP;
      if (isFar && points.length < 2 * MOST_POINTS) points.push(x, y);
    }
    paint();
  };
  const end = () => {
    const points = line.current;
    line.current = null;
    if (points === null || pen === null) return;
    classroom.act("board.draw", { asset: shown.asset, stroke: { ...pen, points, page: shown.page } });
  };
  return html`<canvas
    ref=${canvas}
    class=${pen === null ? "" : "drawing"}
    aria-hidden="true"
    data-testid="strokes"
    data-count=${all.length}
    onPointerDown=${begin}
    onPointerMove=${go}
    onPointerUp=${end}
    onPointerCancel=${end}
  ></canvas>`;
}
