// @ts-check
/**
 * What of a scene is on the stage: for who composes the programme, and for who finds their way in
 * it. Without sizes; those are the composer's.
 *
 * @typedef {import("./state/stage.js").SceneItem} SceneItem
 * @typedef {SceneItem["source"]} Source
 */

/** Of the stage, in both directions: places are in parts of it. */
export const WHOLE = 10_000;

/** Return an item with what it leaves out. @param {Partial<SceneItem>} item @returns {SceneItem} */
export function whole({ source = "title", x = 0, y = 0, width = WHOLE, height = WHOLE, text = null }) {
  return { source, x, y, width, height, text };
}

/** What is on air now; while no scene was chosen, the camera. @param {Pick<import("./state.js").State, "scenes"|"scene">} state */
export function itemsOnAir({ scenes, scene }) {
  return scenes.find((each) => each.scene === scene)?.layout.items.map(whole) ?? [whole({ source: "camera" })];
}

/** Whether a scene shows one of these. @param {Partial<SceneItem>[]} items @param {...Source} sources */
export function shows(items, ...sources) {
  return items.some(({ source }) => sources.includes(/** @type {Source} */ (source)));
}

/**
 * Return the items that are drawn, from the back to the front. A source that is not there leaves no
 * hole: who is left alone has the stage. A stage is never empty: with nothing to show, it shows the
 * title.
 * @param {SceneItem[]} items @param {(source: Source) => boolean} isThere A title is, always.
 */
export function onStage(items, isThere) {
  const there = items.filter(({ source }) => source === "title" || isThere(source));
  if (there.length === 0) return [whole({ source: "title" })];
  return there.length === 1 && items.length > 1 ? [whole({ source: there[0].source, text: there[0].text })] : there;
}
