// @ts-check
/** Which part of the programme is the teacher's camera: a page that is shown sharp need not be shown twice. */

const WHOLE = 10_000;
/** Of the stage, width to height. */
const STAGE = 16 / 9;

/**
 * @typedef {import("../shared/state.js").State} State
 * @typedef {{"--inset": string, "--shape": number}} Part the camera's place, as CSS takes it
 */

/** @param {Pick<State, "scenes"|"scene">} state */
function onAir({ scenes, scene }) {
  return scenes.find((each) => each.scene === scene)?.layout.items ?? [];
}

/** Whether the programme shows something that is to be seen large: a screen. @param {Pick<State, "scenes"|"scene">} state */
export function showsScreen(state) {
  return onAir(state).some(({ source }) => source === "screen");
}

/**
 * Return where the camera is in a programme that shows the page too; null: all of it is the camera.
 * @param {Pick<State, "scenes"|"scene">} state @returns {Part|null}
 */
export function cameraPart(state) {
  const items = onAir(state);
  const camera = items.find(({ source }) => source === "camera");
  if (camera === undefined || !items.some(({ source }) => source === "slide" || source === "board")) return null;
  const { x, y, width, height } = camera;
  const sides = [y, WHOLE - x - width, WHOLE - y - height, x];
  return {
    "--inset": `inset(${sides.map((side) => `${side / 100}%`).join(" ")})`,
    "--shape": (STAGE * width) / height,
  };
}
