// @ts-check
/**
 * The page or board that is shown, with its strokes, as a picture for the programme.
 *
 * @typedef {{canvas: OffscreenCanvas, isBoard: boolean}} Page
 */

import { effect } from "../../shared/signals.js";
import { shownAsset } from "../../shared/shown.js";
import { draw } from "../../shared/strokes.js";
import { STAGE } from "./stage.js";

const PAPER = "#ffffff";

/**
 * Tell of the page that is shown, each time that it looks different; null: none is.
 * @param {{classroom: import("../../shared/classroom.js").Classroom,
 *   pictures: import("../../shared/pictures.js").Pictures, onPage: (page: Page|null) => void}} options
 */
export function pageShown({ classroom, pictures, onPage }) {
  /** @type {{of: string, ground: HTMLImageElement|null}} */
  let loaded = { of: "", ground: null };
  let loading = "";
  /** The strokes that were told last. @type {object|null} */
  let told = null;

  const tell = () => {
    const { shown, strokes } = classroom.state.value;
    const asset = shownAsset(classroom.state.value);
    if (asset === undefined || shown === null || asset.asset_type === "media") return forget();
    const of = `${shown.asset}/${shown.page}`;
    const isBoard = asset.asset_type === "whiteboard";
    if (!isBoard && loaded.of !== of) {
      if (loading !== of) void load(of, shown); // the last page stays until this one is here
      return;
    }
    if (told === strokes && loaded.of === of) return;
    told = strokes;
    if (isBoard) loaded = { of, ground: null };
    const here = strokes.filter((each) => each.asset === shown.asset && each.stroke.page === shown.page);
    onPage({ canvas: drawn(loaded.ground, here.map(({ stroke }) => stroke)), isBoard });
  };
  const forget = () => {
    if (told !== null) onPage(null);
    told = null;
    loaded = { of: "", ground: null };
  };
  /** @param {string} of @param {import("../../shared/state/stage.js").Shown} shown */
  const load = async (of, { asset, page }) => {
    loading = of;
    try {
      const ground = new Image();
      ground.src = await pictures.page(asset, page);
      await ground.decode();
      const now = classroom.state.value.shown;
      if (now?.asset !== asset || now.page !== page) return;
      loaded = { of, ground };
      told = null;
      tell();
    } catch {
      // The stage says so; the programme keeps what it had.
    } finally {
      if (loading === of) loading = "";
    }
  };
  return effect(tell);
}

/** @param {HTMLImageElement|null} ground @param {import("../../shared/state/stage.js").Stroke[]} strokes */
function drawn(ground, strokes) {
  const width = ground?.naturalWidth ?? STAGE.width;
  const height = ground?.naturalHeight ?? STAGE.height;
  const scale = Math.min(1, STAGE.width / width, STAGE.height / height);
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  const page = new OffscreenCanvas(across, down);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (page.getContext("2d"));
  context.fillStyle = PAPER;
  context.fillRect(0, 0, across, down);
  context.imageSmoothingQuality = "high";
  if (ground) context.drawImage(ground, 0, 0, across, down);
  if (strokes.length > 0) {
    // On a sheet of their own: an eraser takes strokes away, not the page.
    const sheet = new OffscreenCanvas(across, down);
    draw(/** @type {any} */ (sheet), strokes);
    context.drawImage(sheet, 0, 0);
  }
  return page;
}
