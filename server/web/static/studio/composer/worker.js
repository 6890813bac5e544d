// @ts-check
/**
 * The composer's thread: frames of camera and screen in, frames of the programme out.
 *
 * Its clock does not slow down when the teacher looks at another window. A picture is made with each
 * of the camera's, where the scene shows it, and else by the clock; none waits for an encoder.
 *
 * @typedef {{start?: WritableStream<VideoFrame>, camera?: ReadableStream<VideoFrame>|null,
 *   screen?: ReadableStream<VideoFrame>|null, slide?: ImageBitmap|null, isBoard?: boolean,
 *   items?: SceneItem[], card?: import("./paint.js").Card}} Message
 * @typedef {import("./layout.js").SceneItem} SceneItem
 */

import { itemsOnAir, shows } from "../../shared/scene.js";
import { paint } from "./paint.js";
import { FRAME_MS, STAGE } from "./stage.js";

/** The camera is late by so much: the clock goes on without it. */
const LATE_MS = 2 * FRAME_MS;

const canvas = new OffscreenCanvas(STAGE.width, STAGE.height);
const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
/** @type {{camera: VideoFrame|null, screen: VideoFrame|null, slide: ImageBitmap|null, isBoard: boolean}} */
const drawables = { camera: null, screen: null, slide: null, isBoard: false };
/** @type {{camera?: ReadableStreamDefaultReader<VideoFrame>, screen?: ReadableStreamDefaultReader<VideoFrame>}} */
const readers = {};
let items = itemsOnAir({ scenes: [], scene: null });
let card = { title: "", name: "" };
/** @type {WritableStreamDefaultWriter<VideoFrame>|null} */
let output = null;
let madeAt = 0;

self.onmessage = (/** @type {MessageEvent<Message>} */ { data }) => {
  if (data.items) items = data.items;
  if (data.card) card = data.card;
  if (data.isBoard !== undefined) drawables.isBoard = data.isBoard;
  if (data.slide !== undefined) {
    drawables.slide?.close();
    drawables.slide = data.slide;
  }
  if (data.camera !== undefined) void follow("camera", data.camera);
  if (data.screen !== undefined) void follow("screen", data.screen);
  if (data.start) {
    output = data.start.getWriter();
    setInterval(tick, FRAME_MS);
  }
};

/** Keep the newest picture of a source, until it ends or another takes its place. @param {"camera"|"screen"} name @param {ReadableStream<VideoFrame>|null} stream */
async function follow(name, stream) {
  void readers[name]?.cancel().catch(() => undefined);
  const reader = stream?.getReader();
  readers[name] = reader;
  if (reader === undefined) forget(name); // or the last picture stays until there is another
  while (reader !== undefined) {
    const { value: frame, done } = await reader.read();
    if (readers[name] !== reader) return void frame?.close();
    if (done || frame === undefined) return forget(name);
    drawables[name]?.close();
    drawables[name] = frame;
    if (name === "camera" && shows(items, "camera")) make();
  }
}

/** @param {"camera"|"screen"} name */
function forget(name) {
  drawables[name]?.close();
  drawables[name] = null;
}

function tick() {
  const isLed = drawables.camera !== null && shows(items, "camera");
  if (!isLed || performance.now() - madeAt > LATE_MS) make();
}

/** Make one picture, unless the last one is still being taken. */
function make() {
  if (output === null || (output.desiredSize ?? 0) <= 0) return;
  madeAt = performance.now();
  const timestamp = Math.round(madeAt * 1000);
  const source = unchanged() ?? drawn();
  void output.write(new VideoFrame(source, { timestamp })).catch(() => (output = null));
}

/** The camera's picture, where the programme is that and nothing else. */
function unchanged() {
  const { camera } = drawables;
  const isWhole = items.length === 1 && shows(items, "camera") && items[0].width === items[0].height && items[0].width === 10_000;
  return isWhole && camera?.displayWidth === STAGE.width && camera.displayHeight === STAGE.height ? camera : null;
}

function drawn() {
  paint(context, { items, drawables, card, stage: STAGE });
  return canvas;
}
