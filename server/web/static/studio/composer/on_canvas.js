// @ts-check
/** Compose on a canvas of this page. Browsers stop it while nobody sees the page: then, the plain camera. */

import { paint } from "./paint.js";
import { FRAME_MS, FRAME_RATE, STAGE } from "./stage.js";

/**
 * @param {{onTrack: (track: MediaStreamTrack|null) => void, scenery: import("./composer.js").Scenery,
 *   drawables: () => import("./paint.js").Drawables}} options
 * @returns {import("./composer.js").Engine|null} null: this browser cannot
 */
export function onCanvas({ onTrack, scenery, drawables }) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, STAGE);
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null || !canvas.captureStream) return null;
  const [composed] = canvas.captureStream(FRAME_RATE).getVideoTracks();
  const draw = () => paint(context, { ...scenery, drawables: drawables(), stage: STAGE });
  const timer = setInterval(() => !document.hidden && draw(), FRAME_MS);
  const choose = () => onTrack(document.hidden && scenery.camera ? scenery.camera : composed);
  document.addEventListener("visibilitychange", choose);
  return {
    take: () => (draw(), choose()),
    stop() {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", choose);
      composed.stop();
    },
  };
}
