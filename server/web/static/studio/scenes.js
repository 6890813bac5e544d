// @ts-check
/** The scenes of the studio: see how they would look, put one on air, make others. */

import { html, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { remembered } from "../shared/remembered.js";
import { shows, whole } from "../shared/scene.js";
import { signal } from "../shared/signals.js";
import { shownAsset } from "../shared/shown.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { follows } from "./composer/director.js";
import { FIRST, KINDS, kindOf } from "./composer/layout.js";
import { Miniature } from "./miniature.js";

/** @typedef {import("./composer/layout.js").SceneItem} SceneItem */
/** @typedef {{key: string, name: string, items: SceneItem[], scene: string|null, kind: string|null}} Tile */
/**
 * @typedef {{classroom: import("../shared/classroom.js").Classroom,
 *   camera: import("./broadcast.js").Broadcast,
 *   director: import("./composer/director.js").Director, isOpen: boolean}} Props
 */

const TILE = 128;
const MONITOR = 320;

/** Whether a scene is looked at before it goes on air. */
const isCareful = remembered("preview", false, [true, false]);
/** What goes on air next, by its tile's key. */
const next = signal(/** @type {string|null} */ (null));

/** The studio's own scenes, made or not, and then the others. @param {import("../shared/state.js").State} state @returns {Tile[]} */
export function tiles({ scenes }) {
  const made = scenes.map(({ scene, name, layout }) => ({ key: scene, name, scene, items: layout.items.map(whole), kind: kindOf(layout.items) }));
  const own = Object.entries(KINDS).map(([kind, items]) =>
    made.find((each) => each.kind === kind) ?? { key: kind, name: t(`scenes.kind.${kind}`), items: items.map(whole), scene: null, kind });
  return [...own, ...made.filter((each) => !own.includes(each))];
}

/** @param {Props} props */
export function Scenes({ classroom, camera, director, isOpen }) {
  const { scene: onAir } = classroom.state.value;
  const all = tiles(classroom.state.value);
  const chosen = isCareful.value ? all.find(({ key }) => key === next.value) : undefined;
  /** @param {Tile} tile */
  const air = (tile) => {
    next.value = null;
    if (tile.scene !== null) director.putOnAir(tile.scene);
    else if (tile.kind !== null) director.put(tile.kind);
  };
  const isOnAir = (/** @type {Tile} */ tile) => (onAir === null ? tile.kind === FIRST : tile.scene === onAir);
  const isPending = classroom.isPending(({ op }) => op === "scene.switch" || op === "scene.create");
  const there = present(classroom.state.value, camera);
  return html`<section class="card stack" aria-label=${t("scenes.title")}>
    <div class="row">
      <h2 class="whole grow">${t("scenes.title")}</h2>
      <label class="choice small"><input type="checkbox" role="switch" data-testid="scene-follow" checked=${follows.value} onChange=${() => (follows.value = !follows.value)} />${t("scenes.follow")}</label>
      <label class="choice small"><input type="checkbox" role="switch" data-testid="scene-careful" checked=${isCareful.value} onChange=${() => (isCareful.value = !isCareful.value)} />${t("scenes.careful")}</label>
    </div>
    ${isCareful.value && html`<${Next} tile=${chosen} camera=${camera} isOpen=${isOpen} onAir=${air} />`}
    <ul class="tiles" data-testid="scenes">
      ${all.map(
        (tile) => html`<li key=${tile.key}>
          <button
            type="button"
            class=${`tile ${isOnAir(tile) ? "on" : ""} ${isPending ? "pending" : ""}`}
            data-testid="scene"
            data-kind=${tile.kind}
            aria-pressed=${isOnAir(tile)}
            aria-current=${chosen === tile ? "true" : undefined}
            disabled=${!isOpen}
            onClick=${() => (isCareful.value && !isOnAir(tile) ? (next.value = tile.key) : air(tile))}
          >
            <${Miniature} camera=${camera} items=${tile.items} width=${TILE} />
            <span class="name" dir="auto">${tile.name}</span>
            <span class="small muted lacks">${lack(tile.items, there)}</span>
            ${isOnAir(tile) && html`<span class="pill live mark">${t("scenes.on_air")}</span>`}
            ${chosen === tile && html`<span class="pill mark">${t("scenes.next")}</span>`}
          </button>
        </li>`,
      )}
    </ul>
    <${Compose} classroom=${classroom} isOpen=${isOpen} />
  </section>`;
}

/** What a scene of this class could show now. @param {import("../shared/state.js").State} state @param {Props["camera"]} camera */
function present(state, camera) {
  const asset = shownAsset(state);
  return {
    camera: camera.camera.value !== null && !camera.isHidden.value,
    screen: camera.screen.value !== null,
    slide: asset !== undefined && asset.asset_type !== "media",
    board: asset?.asset_type === "whiteboard",
    title: true,
  };
}

/** What a scene does without now, in words. @param {SceneItem[]} items @param {ReturnType<typeof present>} there */
function lack(items, there) {
  const without = items.find(({ source }) => !there[source]);
  return without ? t(`scenes.no_${without.source}`) : "";
}

/** The scene that was chosen, before anybody else sees it. @param {{tile: Tile|undefined, camera: Props["camera"], isOpen: boolean, onAir: (tile: Tile) => void}} props */
function Next({ tile, camera, isOpen, onAir }) {
  if (tile === undefined) return html`<p class="small muted" data-testid="scene-none-next">${t("scenes.choose_next")}</p>`;
  return html`<div class="row next" data-testid="scene-next">
    <${Miniature} key=${tile.key} camera=${camera} items=${tile.items} width=${MONITOR} isSmooth=${true} />
    <div class="stack">
      <strong dir="auto">${tile.name}</strong>
      <button type="button" class="primary" data-testid="scene-air" disabled=${!isOpen} onClick=${() => onAir(tile)}><${Icon} name="radio" />${t("scenes.put_on_air")}</button>
      <button type="button" class="small quiet" onClick=${() => (next.value = null)}>${t("cancel")}</button>
    </div>
  </div>`;
}

/** One more scene: a layout under another name, or a title that says something of its own. @param {{classroom: Props["classroom"], isOpen: boolean}} props */
function Compose({ classroom, isOpen }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState("title");
  const [isBand, setBand] = useState(false);
  /** @param {SubmitEvent} event */
  const create = (event) => {
    event.preventDefault();
    const text = name.trim();
    if (text === "") return;
    const band = isBand ? [whole({ source: "title", x: 0, y: 8_500, width: 10_000, height: 1_100, text })] : [];
    const items = kind === "title" ? [whole({ source: "title", text })] : [...KINDS[kind].map(whole), ...band];
    classroom.act("scene.create", { name: text, layout: { items } });
    setName("");
  };
  const isTitle = shows(KINDS[kind], "title");
  return html`<details>
    <summary class="small">${t("scenes.more")}</summary>
    <form class="row" onSubmit=${create}>
      <input class="grow" data-testid="scene-name" aria-label=${isTitle ? t("scenes.text") : t("scenes.name")} placeholder=${isTitle ? t("scenes.text") : t("scenes.name")} maxlength=${SHORT_TEXT_LENGTH} value=${name} disabled=${!isOpen} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
      <select class="layout" data-testid="scene-layout" aria-label=${t("scenes.layout")} value=${kind} disabled=${!isOpen} onChange=${(/** @type {any} */ event) => setKind(event.target.value)}>
        ${Object.keys(KINDS).map((key) => html`<option key=${key} value=${key}>${t(`scenes.kind.${key}`)}</option>`)}
      </select>
      ${!isTitle && html`<label class="choice"><input type="checkbox" data-testid="scene-band" checked=${isBand} onChange=${() => setBand(!isBand)} />${t("scenes.band")}</label>`}
      <button data-testid="scene-create" disabled=${!isOpen || name.trim() === ""}>${t("scenes.create")}</button>
    </form>
  </details>`;
}
