// @ts-check
/**
 * Where the sources of a scene are drawn, without a canvas. What of it is on the stage,
 * `shared/scene.js` says; there, the camera fills its place and loses its edges, and pages and
 * screens are seen whole.
 *
 * @typedef {import("../../shared/scene.js").SceneItem} SceneItem
 * @typedef {import("../../shared/scene.js").Source} Source
 * @typedef {{width: number, height: number}} Size
 * @typedef {Size & {x: number, y: number}} Box
 * @typedef {{source: Source, text: string|null, from: Box, to: Box, isInset: boolean}} Placement
 *   `from` in pixels of the source, `to` in pixels of the stage
 */

import { WHOLE, onStage, whole } from "../../shared/scene.js";

/** Lower than this part of the stage, a title is a band beneath what goes on. */
const BAND = 0.4;

/** The scenes that every studio has. @type {Record<string, Partial<SceneItem>[]>} */
export const KINDS = {
  camera: [{ source: "camera" }],
  slide: [{ source: "slide" }],
  corner: [{ source: "slide" }, { source: "camera", x: 7_400, y: 7_400, width: 2_500, height: 2_500 }],
  side: [
    { source: "slide", x: 150, y: 700, width: 6_800, height: 8_600 },
    { source: "camera", x: 7_050, y: 2_250, width: 2_800, height: 5_500 },
  ],
  screen: [{ source: "screen" }],
  screen_corner: [{ source: "screen" }, { source: "camera", x: 7_400, y: 7_400, width: 2_500, height: 2_500 }],
  title: [{ source: "title" }],
};

/** What is on air while no scene was chosen. */
export const FIRST = "camera";

/** Which of the studio's own scenes this is, or null. @param {Partial<SceneItem>[]} items */
export function kindOf(items) {
  const wanted = JSON.stringify(items.map(whole));
  return Object.keys(KINDS).find((kind) => JSON.stringify(KINDS[kind].map(whole)) === wanted) ?? null;
}

/**
 * Return what is drawn where, from the back to the front.
 * @param {SceneItem[]} items
 * @param {Partial<Record<Source, Size>>} sizes of the sources that are there
 * @param {Size} stage
 * @returns {Placement[]}
 */
export function arrange(items, sizes, stage) {
  return onStage(items, (source) => sizes[source] !== undefined).map((item) => {
    const box = boxOf(item, stage);
    const size = sizes[item.source] ?? box;
    const isInset = box.width < stage.width || box.height < stage.height;
    return { source: item.source, text: item.text, isInset, ...(item.source === "camera" ? cover(size, box) : contain(size, box)) };
  });
}

/** Whether a title is a band beneath what goes on. @param {Box} to @param {Size} stage */
export function isBand(to, stage) {
  return to.height < BAND * stage.height;
}

/** @param {SceneItem} item @param {Size} stage @returns {Box} */
function boxOf({ x, y, width, height }, stage) {
  const across = (/** @type {number} */ part) => Math.round((part / WHOLE) * stage.width);
  const down = (/** @type {number} */ part) => Math.round((part / WHOLE) * stage.height);
  return { x: across(x), y: down(y), width: Math.max(1, across(width)), height: Math.max(1, down(height)) };
}

/** Fill the box with the middle of the source. @param {Size} size @param {Box} box */
function cover(size, box) {
  const scale = Math.max(box.width / size.width, box.height / size.height);
  const width = box.width / scale;
  const height = box.height / scale;
  return { from: { x: (size.width - width) / 2, y: (size.height - height) / 2, width, height }, to: box };
}

/** Show the whole source in the middle of the box. @param {Size} size @param {Box} box */
function contain(size, box) {
  const scale = Math.min(box.width / size.width, box.height / size.height);
  const width = Math.round(size.width * scale);
  const height = Math.round(size.height * scale);
  const to = { x: box.x + Math.round((box.width - width) / 2), y: box.y + Math.round((box.height - height) / 2), width, height };
  return { from: { x: 0, y: 0, ...size }, to };
}
