// @ts-check
/**
 * Draw one picture of a scene, on any canvas: the programme's, and the small ones of the tiles.
 *
 * @typedef {import("./layout.js").Size} Size
 * @typedef {import("./layout.js").Box} Box
 * @typedef {import("./layout.js").SceneItem} SceneItem
 * @typedef {OffscreenCanvasRenderingContext2D|CanvasRenderingContext2D} Context
 * @typedef {VideoFrame|ImageBitmap|OffscreenCanvas|HTMLVideoElement} Drawable
 * @typedef {{camera?: Drawable|null, screen?: Drawable|null, slide?: Drawable|null, isBoard?: boolean}} Drawables
 * @typedef {{title: string, name: string}} Card what a title says that has no text of its own
 */

import { arrange, isBand } from "./layout.js";

const GROUND = "#10151a";
const GLOW = "#22303f";
const TEXT = "#e9edf2";
const QUIET = "#a7b2be";
const ACCENT = "#7cb0ff";
const FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';
/** Parts of the stage's height. */
const ROUND = 0.016;
const GAP = 0.06;
const MOST_LINES = 3;

/**
 * @param {Context} context
 * @param {{items: SceneItem[], drawables: Drawables, card: Card, stage: Size}} scene
 */
export function paint(context, { items, drawables, card, stage }) {
  const { slide, isBoard } = drawables;
  const sources = { camera: drawables.camera, screen: drawables.screen, slide, board: isBoard ? slide : null };
  /** @type {Partial<Record<SceneItem["source"], Size>>} */
  const sizes = {};
  for (const [source, drawable] of Object.entries(sources)) {
    const size = sizeOf(drawable);
    if (size !== null) sizes[/** @type {keyof typeof sources} */ (source)] = size;
  }
  context.fillStyle = GROUND;
  context.fillRect(0, 0, stage.width, stage.height);
  for (const { source, text, from, to, isInset } of arrange(items, sizes, stage)) {
    if (source === "title") {
      title(context, to, { ...card, title: text ?? card.title }, stage);
      continue;
    }
    context.save();
    if (isInset) {
      context.beginPath();
      context.roundRect(to.x, to.y, to.width, to.height, ROUND * stage.height);
      context.clip();
    }
    const drawable = /** @type {Drawable} */ (sources[source]);
    context.drawImage(drawable, from.x, from.y, from.width, from.height, to.x, to.y, to.width, to.height);
    context.restore();
  }
}

/** How large a source is; null: it has no picture yet. @param {Drawable|null|undefined} drawable @returns {Size|null} */
export function sizeOf(drawable) {
  if (!drawable) return null;
  const [width, height] =
    "displayWidth" in drawable ? [drawable.displayWidth, drawable.displayHeight]
    : "videoWidth" in drawable ? [drawable.videoWidth, drawable.videoHeight]
    : [drawable.width, drawable.height];
  return width > 0 && height > 0 ? { width, height } : null;
}

/** A card over the whole stage, or a band over a part of it. @param {Context} context @param {Box} to @param {Card} card @param {Size} stage */
function title(context, to, card, stage) {
  const gap = GAP * stage.height;
  context.save();
  context.beginPath();
  context.rect(to.x, to.y, to.width, to.height);
  context.clip();
  context.textBaseline = "middle";
  if (isBand(to, stage)) {
    context.fillStyle = "rgb(15 19 23 / .82)";
    context.fillRect(to.x, to.y, to.width, to.height);
    context.fillStyle = ACCENT;
    context.fillRect(to.x, to.y, gap / 6, to.height);
    context.font = `600 ${Math.round(to.height * 0.42)}px ${FONT}`;
    context.fillStyle = TEXT;
    context.fillText(card.title, to.x + gap / 2, to.y + to.height / 2, to.width - gap);
  } else {
    const glow = context.createRadialGradient(to.x + to.width / 2, to.y + to.height * 0.3, 0, to.x + to.width / 2, to.y + to.height * 0.3, to.width * 0.7);
    glow.addColorStop(0, GLOW);
    glow.addColorStop(1, GROUND);
    context.fillStyle = glow;
    context.fillRect(to.x, to.y, to.width, to.height);
    const size = Math.round(to.height * 0.1);
    context.textAlign = "center";
    context.font = `700 ${size}px ${FONT}`;
    const lines = wrapped(context, card.title, to.width - 2 * gap);
    const middle = to.x + to.width / 2;
    let y = to.y + to.height / 2 - ((lines.length - 1) * size * 1.2) / 2 - (card.name ? size * 0.5 : 0);
    context.fillStyle = TEXT;
    for (const line of lines) {
      context.fillText(line, middle, y, to.width - 2 * gap);
      y += size * 1.2;
    }
    context.font = `500 ${Math.round(size * 0.5)}px ${FONT}`;
    context.fillStyle = QUIET;
    context.fillText(card.name, middle, y, to.width - 2 * gap);
  }
  context.restore();
}

/** Break a text between words; what is too much is left out. @param {Context} context @param {string} text @param {number} width */
function wrapped(context, text, width) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/)) {
    const longer = lines.length > 0 ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length > 0 && context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES - 1), `${lines[MOST_LINES - 1]} …`] : lines;
}
