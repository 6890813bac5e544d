// @ts-check
/**
 * What is to be seen: scenes, assets, strokes, and the teacher's picture.
 *
 * @typedef {{source: "camera"|"screen"|"slide"|"board"|"title", x: number, y: number,
 *   width: number, height: number, text: string|null}} SceneItem geometry in 1/10,000 of the stage
 * @typedef {{scene: string, name: string, layout: {items: SceneItem[]}, touched: number}} Scene
 * @typedef {{asset: string, asset_type: "slide"|"whiteboard"|"media", uri: string, name: string,
 *   pages: number|null, touched: number}} Asset
 * @typedef {{asset: string, page: number}} Shown
 * @typedef {{points: number[], colour: string, width: number,
 *   tool: "pen"|"highlighter"|"eraser", page: number}} Stroke
 * @typedef {{asset: string, id: string, by: string|null, stroke: Stroke}} Drawn
 * @typedef {{user: string, live: boolean, width: number, height: number}} Publisher
 * @typedef {import("../state.js").Change} Change
 */

import * as limits from "./limits.js";
import { fit, jsonBytes } from "./trimming.js";

/** @type {Record<string, Change>} */
export const stage = {
  "scene.created": ({ scenes, scene: onAir }, { scene, name, layout }, { sequence }) => ({
    scenes: fitScenes([...scenes, { scene, name, layout, touched: sequence }], onAir),
  }),
  "scene.updated": ({ scenes, scene: onAir }, { scene, name, layout }, { sequence }) => ({
    scenes: fitScenes(scenes.map((each) =>
      each.scene === scene ? { scene, name, layout, touched: sequence } : each,
    ), onAir),
  }),
  "scene.removed": ({ scenes }, { scene }) => ({
    scenes: scenes.filter((each) => each.scene !== scene),
  }),
  "scene.changed": (_state, { scene }) => ({ scene }),

  "asset.added": ({ assets, shown }, { asset, asset_type, uri, name, pages }, { sequence }) => ({
    assets: fitAssets([
      ...assets,
      { asset, asset_type, uri, name, pages: pages ?? null, touched: sequence },
    ], shown),
  }),
  "asset.removed": ({ assets, strokes }, { asset }) => ({
    assets: assets.filter((each) => each.asset !== asset),
    strokes: wiped(strokes, asset),
  }),
  "asset.shown": ({ assets }, { asset, page }, { sequence }) => ({
    assets: assets.map((each) => (each.asset === asset ? { ...each, touched: sequence } : each)),
    shown: { asset, page },
  }),
  "asset.hidden": ({ shown }, { asset }) => (shown?.asset === asset ? { shown: null } : {}),

  "board.drawn": ({ strokes, shown }, { asset, id, stroke }, { by }) => ({
    strokes: fitStrokes([...strokes, { asset, id, by, stroke }], shown),
  }),
  "board.undone": ({ strokes }, { id }) => ({ strokes: strokes.filter((each) => each.id !== id) }),
  "board.cleared": ({ strokes }, { asset }) => ({ strokes: wiped(strokes, asset) }),

  "publisher.connected": (_state, { user, width, height }) => ({
    publisher: { user, live: true, width, height },
  }),
  "publisher.lost": ({ publisher }) => ({ publisher: publisher && { ...publisher, live: false } }),
  "publisher.resumed": ({ publisher }) => ({ publisher: publisher && { ...publisher, live: true } }),

  // Told once and not kept.
  "publisher.replaced": () => ({}),
  "publisher.warning": () => ({}),
};

/** @param {Drawn[]} strokes @param {string} asset */
function wiped(strokes, asset) {
  return strokes.filter((each) => each.asset !== asset);
}

/** @param {Scene[]} scenes @param {string|null} onAir */
function fitScenes(scenes, onAir) {
  return fit(scenes, {
    budget: limits.SCENES_BYTES,
    weight: ({ name, layout }) =>
      layout.items.reduce(
        (sum, { text }) => sum + limits.SCENE_ITEM_WEIGHT + jsonBytes(text),
        limits.SCENE_WEIGHT + jsonBytes(name),
      ),
    last: ({ scene }) => scene === onAir,
  });
}

/** @param {Asset[]} assets @param {Shown|null} shown */
function fitAssets(assets, shown) {
  return fit(assets, {
    budget: limits.ASSETS_BYTES,
    weight: ({ uri, name }) => limits.ASSET_WEIGHT + jsonBytes(uri) + jsonBytes(name),
    last: ({ asset }) => asset === shown?.asset,
  });
}

/** @param {Drawn[]} strokes @param {Shown|null} shown */
function fitStrokes(strokes, shown) {
  return fit(strokes, {
    budget: limits.STROKES_BYTES,
    weight: ({ stroke }) =>
      stroke.points.reduce((sum, point) => sum + String(point).length + 1, limits.STROKE_WEIGHT),
    most: limits.SNAPSHOT_STROKES,
    last: ({ asset }) => asset === shown?.asset,
  });
}
