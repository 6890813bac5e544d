// @ts-check
/** A scene, small, as it would look on air now. */

import { html, useEffect, useRef } from "../shared/html.js";
import { paint } from "./composer/paint.js";

/** Small pictures need not flow: this is to choose by. */
const FRAME_MS = 250;
const SMOOTH_MS = 66;

/**
 * @param {{camera: import("./broadcast.js").Broadcast, items: import("./composer/layout.js").SceneItem[],
 *   width: number, isSmooth?: boolean}} props `width` in CSS pixels, of 16:9
 */
export function Miniature({ camera, items, width, isSmooth = false }) {
  const canvas = useRef(/** @type {HTMLCanvasElement|null} */ (null));
  const stage = { width: 2 * width, height: Math.round((2 * width * 9) / 16) };
  const now = useRef(items);
  now.current = items;
  useEffect(() => {
    const element = /** @type {HTMLCanvasElement} */ (canvas.current);
    const context = element.getContext("2d", { alpha: false });
    const draw = () => {
      if (context === null || document.hidden || element.offsetParent === null) return;
      const { drawables, scenery } = camera.programme;
      paint(context, { items: now.current, drawables: drawables(), card: scenery.card, stage });
    };
    draw();
    const timer = setInterval(draw, isSmooth ? SMOOTH_MS : FRAME_MS);
    return () => clearInterval(timer);
  }, [isSmooth, width]);
  return html`<canvas ref=${canvas} class="miniature" width=${stage.width} height=${stage.height} aria-hidden="true"></canvas>`;
}
