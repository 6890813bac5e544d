// @ts-check
/**
 * Puts scenes on air: those of the class, and the studio's own, which are made when first wanted.
 *
 * A page or a screen that this teacher shows comes on air by itself, if the scene has no place for
 * it, and what was on air before comes back after it; unless they prefer to do that themselves.
 */

import { remembered } from "../../shared/remembered.js";
import { itemsOnAir, shows, whole } from "../../shared/scene.js";
import { effect, signal } from "../../shared/signals.js";
import { t } from "../../shared/strings.js";
import { FIRST, KINDS, kindOf } from "./layout.js";

/** Whether pages and screens come on air by themselves. */
export const follows = remembered("follows", true, [true, false]);

/**
 * @typedef {ReturnType<typeof director>} Director
 * @param {{classroom: import("../../shared/classroom.js").Classroom,
 *   isOn: {peek: () => boolean}, screen: {value: MediaStream|null}}} options
 */
export function director({ classroom, isOn, screen }) {
  /** The kind that goes on air as soon as the class has a scene of it. */
  const wanted = signal(/** @type {string|null} */ (null));
  /** Where to go back to, and from which of the kinds. @type {{kind: string, back: string|null}|null} */
  let detour = null;

  const sceneOf = (/** @type {string} */ kind) =>
    classroom.state.peek().scenes.find(({ layout }) => kindOf(layout.items) === kind);
  /** @param {string} scene */
  const putOnAir = (scene) => {
    wanted.value = null;
    if (scene !== classroom.state.peek().scene) classroom.act("scene.switch", { scene });
  };
  /** @param {string} kind */
  const put = (kind) => {
    const known = sceneOf(kind);
    if (known) return putOnAir(known.scene);
    const isMade = wanted.peek() === kind && classroom.isPending(({ op }) => op === "scene.create");
    if (isMade) return;
    wanted.value = kind;
    classroom.act("scene.create", { name: t(`scenes.kind.${kind}`), layout: { items: KINDS[kind].map(whole) } });
  };
  /** @param {string} kind @param {import("../../shared/scene.js").Source[]} sources */
  const make = (kind, ...sources) => {
    const now = classroom.state.peek();
    if (!follows.peek() || !isOn.peek() || shows(itemsOnAir(now), ...sources)) return;
    detour = { kind, back: detour?.back ?? now.scene };
    put(kind);
  };
  const goBack = (/** @type {string} */ kind) => {
    if (detour?.kind !== kind) return;
    const { back } = detour;
    detour = null;
    const now = classroom.state.peek();
    if (kindOf(itemsOnAir(now)) !== kind) return; // somebody has chosen something else since
    if (back !== null && now.scenes.some(({ scene }) => scene === back)) putOnAir(back);
    else put(FIRST);
  };

  classroom.onEvent(({ type, data, by }) => {
    if (by !== classroom.me.peek()?.user) return;
    // The event is told before the state has it: what it leads to comes after.
    queueMicrotask(() => {
      if (type === "scene.created" && kindOf(data.layout.items) === wanted.peek()) putOnAir(data.scene);
      if (type === "asset.shown") make("corner", "slide", "board");
      if (type === "asset.hidden") goBack("corner");
    });
  });
  let wasShared = false;
  effect(() => {
    const isShared = screen.value !== null;
    if (isShared !== wasShared) queueMicrotask(() => (isShared ? make("screen_corner", "screen") : goBack("screen_corner")));
    wasShared = isShared;
  });

  return { wanted, put, putOnAir };
}
