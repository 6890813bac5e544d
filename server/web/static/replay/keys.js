// @ts-check
/**
 * The keys that players have, and the list of them. Unlike those of other pages they repeat while
 * held, Space among them.
 */

import { html, useLayoutEffect, useRef } from "../shared/html.js";
import { areOn, isListed } from "../shared/keys.js";
import { t } from "../shared/strings.js";
import { isTaken } from "../shared/taken.js";
import { Dialog } from "../shared/ui/dialog.js";

const STEP_MS = 5_000;
const JUMP_MS = 10_000;
const LOUDER = 0.1;

/** @typedef {{names: string[], label: string, act: (key: string) => void}} Key */

/**
 * @param {import("./playing.js").Playing} playing
 * @param {{large: () => void, captions: () => void, faster: (step: number) => void}} more
 * @returns {Key[]}
 */
export function keysOf(playing, { large, captions, faster }) {
  const by = (/** @type {number} */ step) => playing.seek(playing.t.value + step);
  const louder = (/** @type {number} */ step) => playing.volume(playing.sound.value.volume + step);
  return [
    { names: [" ", "k"], label: t("replay.key.play"), act: () => (playing.isPlaying.value ? playing.pause() : playing.play()) },
    { names: ["j", "l"], label: t("replay.key.jump"), act: (key) => by(key === "j" ? -JUMP_MS : JUMP_MS) },
    { names: ["ArrowLeft", "ArrowRight"], label: t("replay.key.step"), act: (key) => by(key === "ArrowLeft" ? -STEP_MS : STEP_MS) },
    { names: ["ArrowUp", "ArrowDown"], label: t("replay.key.volume"), act: (key) => louder(key === "ArrowUp" ? LOUDER : -LOUDER) },
    { names: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], label: t("replay.key.tenth"), act: (key) => playing.seek((playing.duration * Number(key)) / 10) },
    { names: ["<", ">"], label: t("replay.speed"), act: (key) => faster(key === "<" ? -1 : 1) },
    { names: ["m"], label: t("replay.mute"), act: playing.mute },
    { names: ["c"], label: t("replay.captions"), act: captions },
    { names: ["f"], label: t("replay.large"), act: large },
    { names: ["?"], label: t("keys.list"), act: () => (isListed.value = true) },
  ];
}

/** Makes the keys work while it is on the page, and lists them. @param {{keys: Key[]}} props */
export function Keys({ keys }) {
  const all = useRef(keys);
  all.current = keys;
  // Not useEffect, which is later than what is seen: a key pressed in between would be lost.
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const press = (event) => {
      const { target, ctrlKey, metaKey, altKey, key: name } = event;
      const key = name.length === 1 ? name.toLowerCase() : name;
      if (!areOn.value || event.defaultPrevented || ctrlKey || metaKey || altKey || isTaken(target, key)) return;
      const found = all.current.find(({ names }) => names.includes(key));
      if (found === undefined) return;
      event.preventDefault();
      found.act(key);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const close = () => (isListed.value = false);
  return html`<${Dialog} isOpen=${isListed.value} title=${t("keys.title")} testid="keys" onClose=${close}>
    <dl class="keys">
      ${keys.map(({ names, label }) => html`<div class="row" key=${label}><dt class="grow">${label}</dt><dd>${shown(names).map((name) => html`<kbd key=${name}>${name}</kbd>`)}</dd></div>`)}
    </dl>
    <label class="choice"><input type="checkbox" role="switch" data-testid="keys-on" checked=${areOn.value} onChange=${() => (areOn.value = !areOn.value)} />${t("keys.use")}</label>
    <p class="small muted">${t("keys.text")}</p>
    <div class="row end"><button type="button" class="primary" onClick=${close}>${t("close")}</button></div>
  <//>`;
}

/** @type {Record<string, string>} */
const CAPS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** @param {string[]} names */
function shown(names) {
  const caps = names.map((name) => (name === " " ? t("replay.key.space") : (CAPS[name] ?? name.toUpperCase())));
  return caps.length > 2 ? [`${caps[0]}–${caps.at(-1)}`] : caps;
}
