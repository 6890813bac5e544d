// @ts-check
/** The scenes of the studio: make one, put one on air. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";

/** Geometry in 1/10,000 of the stage. @type {Record<string, {items: object[]}>} */
const LAYOUTS = {
  camera: { items: [{ source: "camera" }] },
  slide: { items: [{ source: "slide" }] },
  corner: { items: [{ source: "slide" }, { source: "camera", x: 7400, y: 7400, width: 2500, height: 2500 }] },
};

/** @param {{classroom: import("../shared/classroom.js").Classroom, isOpen: boolean}} props */
export function Scenes({ classroom, isOpen }) {
  const { scenes, scene: onAir } = classroom.state.value;
  const [name, setName] = useState("");
  const [layout, setLayout] = useState("camera");
  /** @param {SubmitEvent} event */
  const create = (event) => {
    event.preventDefault();
    if (name.trim() === "") return;
    classroom.act("scene.create", { name: name.trim(), layout: LAYOUTS[layout] });
    setName("");
  };
  return html`<section class="card stack" aria-label=${t("scenes.title")}>
    <h2>${t("scenes.title")}</h2>
    <div class="row" data-testid="scenes">
      ${scenes.length === 0 && html`<p class="small muted">${t("scenes.empty")}</p>`}
      ${scenes.map(
        ({ scene, name: label }) => html`<button key=${scene} type="button" data-testid="scene" aria-pressed=${scene === onAir} disabled=${!isOpen} onClick=${() => classroom.act("scene.switch", { scene })}>
          <span dir="auto">${label}</span>
        </button>`,
      )}
    </div>
    <form class="row" onSubmit=${create}>
      <input class="grow" data-testid="scene-name" aria-label=${t("scenes.name")} placeholder=${t("scenes.name")} maxlength="200" value=${name} disabled=${!isOpen} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
      <select class="layout" data-testid="scene-layout" aria-label=${t("scenes.layout")} value=${layout} disabled=${!isOpen} onChange=${(/** @type {any} */ event) => setLayout(event.target.value)}>
        ${Object.keys(LAYOUTS).map((key) => html`<option key=${key} value=${key}>${t(`scenes.${key}`)}</option>`)}
      </select>
      <button data-testid="scene-create" disabled=${!isOpen || name.trim() === ""}>${t("scenes.create")}</button>
    </form>
  </section>`;
}
