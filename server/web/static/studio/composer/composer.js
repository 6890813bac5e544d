// @ts-check
/**
 * The programme's picture: one track, whatever the scene, from whatever the browser can do.
 *
 * - `worker`: composed in a thread of its own, which goes on while the teacher looks elsewhere;
 * - `canvas`: composed on this page while it is seen, and the plain camera while it is not;
 * - `camera`: not composed.
 *
 * @typedef {"worker"|"canvas"|"camera"} Means
 * @typedef {import("./layout.js").SceneItem} SceneItem
 * @typedef {import("./paint.js").Drawables} Drawables
 * @typedef {import("./page.js").Page} Page
 * @typedef {{items: SceneItem[], card: import("./paint.js").Card, page: Page|null,
 *   camera: MediaStreamTrack|null, screen: MediaStreamTrack|null}} Scenery
 * @typedef {(change: Partial<Scenery>) => void} Take
 * @typedef {{take: Take, stop: () => void}} Engine
 */

import { signal } from "../../shared/signals.js";
import { onCanvas } from "./on_canvas.js";
import { inWorker } from "./in_worker.js";
import { player } from "./player.js";

export function composer() {
  /** What is published; null while stopped. */
  const track = signal(/** @type {MediaStreamTrack|null} */ (null));
  const means = signal(/** @type {Means|null} */ (null));
  const players = { camera: player(), screen: player() };
  /** @type {Scenery} */
  const scenery = { items: [], card: { title: "", name: "" }, page: null, camera: null, screen: null };
  /** @type {Engine|null} */
  let engine = null;

  /** What a canvas of this page can draw now. @returns {Drawables} */
  const drawables = () => ({
    camera: scenery.camera && players.camera.picture(),
    screen: scenery.screen && players.screen.picture(),
    slide: scenery.page?.canvas ?? null,
    isBoard: scenery.page?.isBoard ?? false,
  });

  /** Begin with the best that works; `without` did not. @param {Means[]} without */
  const begin = (without = []) => {
    engine?.stop();
    const failed = (/** @type {Means} */ what) => () => begin([...without, what]);
    const onTrack = (/** @type {MediaStreamTrack|null} */ next) => (track.value = next);
    const engines = {
      worker: () => inWorker({ onTrack, onFailed: failed("worker") }),
      canvas: () => onCanvas({ onTrack, scenery, drawables }),
      camera: () => uncomposed({ onTrack, scenery }),
    };
    for (const name of /** @type {Means[]} */ (["worker", "canvas", "camera"])) {
      engine = without.includes(name) ? null : engines[name]();
      if (engine === null) continue;
      means.value = name;
      engine.take(scenery);
      return;
    }
  };

  return {
    track,
    means,
    drawables,
    scenery,
    start() {
      if (engine === null) begin();
    },
    stop() {
      engine?.stop();
      engine = null;
      track.value = means.value = null;
    },
    /** @type {Take} */
    take(change) {
      Object.assign(scenery, change);
      if ("camera" in change) players.camera.play(scenery.camera);
      if ("screen" in change) players.screen.play(scenery.screen);
      engine?.take(change);
    },
  };
}

/** @param {{onTrack: (track: MediaStreamTrack|null) => void, scenery: Scenery}} options @returns {Engine} */
function uncomposed({ onTrack, scenery }) {
  return { take: () => onTrack(scenery.camera), stop: () => undefined };
}
