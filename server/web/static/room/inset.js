// @ts-check
/** Which part of the programme is the teacher's camera: a page that is shown sharp need not be shown twice. */

import { WHOLE, itemsOnAir, onStage, shows } from "../shared/scene.js";

/**
 * @typedef {import("../shared/state.js").State} State
 * @typedef {State["assets"][number]["asset_type"]|undefined} Shown the type of what is shown beside the programme
 * @typedef {Record<"--top"|"--right"|"--bottom"|"--left", number>} Part what is not the camera on
 *   each side, in parts of the whole
 */

/** Whether the programme shows something that is to be seen large: a screen. @param {Pick<State, "scenes"|"scene">} state */
export function showsScreen(state) {
  return shows(itemsOnAir(state), "screen");
}

/**
 * What the programme shows beside something of this type, as far as the class can know: nobody is
 * told whether the camera is hidden.
 * @param {Pick<State, "scenes"|"scene">} state @param {Shown} type
 */
function drawn(state, type) {
  // A board has the place of a page too; what is no page has none.
  const isThere = { slide: type === "slide" || type === "whiteboard", board: type === "whiteboard" };
  return onStage(itemsOnAir(state), (source) => isThere[/** @type {"slide"} */ (source)] ?? true);
}

/** Whether the programme has nothing but the page that is shown beside it. @param {Pick<State, "scenes"|"scene">} state @param {Shown} type */
export function repeatsPage(state, type) {
  return drawn(state, type).every(({ source }) => source === "slide" || source === "board");
}

/**
 * Return where the camera is in a programme that shows the page too; null: all of it is the camera.
 * @param {Pick<State, "scenes"|"scene">} state
 * @param {Shown} type
 * @returns {Part|null}
 */
export function cameraPart(state, type) {
  const items = drawn(state, type);
  const camera = items.find(({ source }) => source === "camera");
  if (camera === undefined || !shows(items, "slide", "board")) return null;
  const { x, y, width, height } = camera;
  const sides = { "--top": y, "--right": WHOLE - x - width, "--bottom": WHOLE - y - height, "--left": x };
  return /** @type {Part} */ (Object.fromEntries(Object.entries(sides).map(([side, size]) => [side, size / WHOLE])));
}
