// @ts-check
/** Slides and boards: bring a file, show a page, turn it, draw on it, take it off. */

import { html, useRef } from "../shared/html.js";
import { shownAsset } from "../shared/shown.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { upload } from "./upload.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom @typedef {import("../shared/shown.js").Pen} Pen */

const ACCEPTED = ".pdf,.png,.jpg,.jpeg,.webp";
const COLOURS = { red: "#d92d20", blue: "#1d4ed8", black: "#111827" };
const WIDTHS = { pen: 30, highlighter: 220, eraser: 300 };

/** What one draws with now; null: the page is only shown. */
export const pen = signal(/** @type {Pen|null} */ (null));
const sending = signal(/** @type {import("./upload.js").Progress|null} */ (null));

/** @param {{classroom: Classroom, api: import("../shared/rest.js").Rest, isOpen: boolean}} props */
export function Slides({ classroom, api, isOpen }) {
  const { assets, shown } = classroom.state.value;
  const file = useRef(/** @type {HTMLInputElement|null} */ (null));
  const send = () => {
    const [chosen] = file.current?.files ?? [];
    if (chosen === undefined) return;
    void upload({ api, session: classroom.id, file: chosen, onProgress: (progress) => (sending.value = progress) });
    /** @type {HTMLInputElement} */ (file.current).value = "";
  };
  const addBoard = () =>
    classroom.act("asset.add", { asset_type: "whiteboard", uri: "board:", name: t("slides.board_name", { number: assets.length + 1 }), pages: 1 });
  return html`<section class="card stack" aria-label=${t("slides.title")} data-testid="slides">
    <div class="row">
      <h2 class="whole grow">${t("slides.title")}</h2>
      <input ref=${file} type="file" class="visually-hidden" tabindex="-1" accept=${ACCEPTED} aria-label=${t("slides.file")} data-testid="slides-file" onChange=${send} />
      <button type="button" class="small" disabled=${!isOpen} data-testid="slides-add" onClick=${() => file.current?.click()}><${Icon} name="upload" />${t("slides.add")}</button>
      <button type="button" class="small" disabled=${!isOpen} data-testid="board-add" onClick=${addBoard}><${Icon} name="pen-line" />${t("slides.add_board")}</button>
    </div>
    <${Sending} />
    ${assets.length === 0 && sending.value === null && html`<p class="small muted">${t("slides.empty")}</p>`}
    <ul class="row" data-testid="assets">
      ${assets.map(
        ({ asset, name, pages, asset_type: kind }) => html`<li key=${asset}>
          <button type="button" data-testid="asset" aria-pressed=${shown?.asset === asset} disabled=${!isOpen} onClick=${() => classroom.act("asset.show", { asset })}>
            <${Icon} name=${kind === "whiteboard" ? "pen-line" : "presentation"} /><span dir="auto">${name}</span>${pages !== null && pages > 1 && html` <span class="num">${pages}</span>`}
          </button>
        </li>`,
      )}
    </ul>
  </section>`;
}

/** How far the file is that is on its way. */
function Sending() {
  const progress = sending.value;
  return html`<div role="status" class="small" data-testid="slides-progress">
    ${progress &&
    html`<div class="row">
      <span class="grow">${t(`slides.${progress.step}`, { name: progress.name, message: progress.message })}</span>
      ${progress.step === "failed" && html`<button type="button" class="small quiet" onClick=${() => (sending.value = null)}>${t("dismiss")}</button>`}
      ${progress.part !== null && html`<progress max="1" value=${progress.part}></progress>`}
    </div>`}
  </div>`;
}

/** Under the stage while a page is shown: turn, draw, take off. @param {{classroom: Classroom}} props */
export function PageControls({ classroom }) {
  const { shown, strokes } = classroom.state.value;
  const asset = shownAsset(classroom.state.value);
  if (asset === undefined || shown === null) return null;
  const pages = asset.pages ?? 1;
  const turn = (/** @type {number} */ page) => classroom.act("asset.show", { asset: asset.asset, page });
  const mine = strokes.some((each) => each.asset === asset.asset && each.by === classroom.me.value?.user);
  const board = (/** @type {string} */ op) => classroom.act(op, { asset: asset.asset });
  return html`<div class="controls" role="toolbar" aria-label=${t("slides.controls")} data-testid="page-controls">
    <button type="button" class="control" data-testid="page-before" aria-label=${t("slides.before")} disabled=${shown.page <= 1} onClick=${() => turn(shown.page - 1)}><${Icon} name="chevron-left" /></button>
    <span class="num" data-testid="page-number">${shown.page} / ${pages}</span>
    <button type="button" class="control" data-testid="page-next" aria-label=${t("slides.next")} disabled=${shown.page >= pages} onClick=${() => turn(shown.page + 1)}><${Icon} name="chevron-right" /></button>
    <${Pens} />
    <button type="button" class="control" data-testid="board-undo" aria-label=${t("board.undo")} title=${t("board.undo")} disabled=${!mine} onClick=${() => board("board.undo")}><${Icon} name="undo-2" /></button>
    <button type="button" class="control" data-testid="board-clear" aria-label=${t("board.clear")} title=${t("board.clear")} disabled=${strokes.length === 0} onClick=${() => board("board.clear")}><${Icon} name="trash-2" /></button>
    <span class="grow"></span>
    <button type="button" class="control" data-testid="page-hide" onClick=${() => ((pen.value = null), classroom.act("asset.hide", { asset: asset.asset }))}><${Icon} name="x" />${t("slides.hide")}</button>
  </div>`;
}

/** What to draw with; the one in use again: nothing. */
function Pens() {
  const now = pen.value;
  const take = (/** @type {Pen["tool"]} */ tool, colour = now?.colour ?? COLOURS.red) => {
    const isSame = now?.tool === tool && now.colour === colour;
    pen.value = isSame ? null : { tool, colour, width: WIDTHS[tool] };
  };
  return html`<span class="row" role="group" aria-label=${t("board.tools")}>
    ${[["pen", "pen-line"], ["highlighter", "highlighter"], ["eraser", "eraser"]].map(
      ([tool, icon]) => html`<button key=${tool} type="button" class="control" data-testid=${tool} aria-pressed=${now?.tool === tool} aria-label=${t(`board.${tool}`)} title=${t(`board.${tool}`)} onClick=${() => take(/** @type {Pen["tool"]} */ (tool))}><${Icon} name=${icon} /></button>`,
    )}
    ${now !== null && now.tool !== "eraser" && html`<select class="narrow" data-testid="pen-colour" aria-label=${t("board.colour")} value=${now.colour} onChange=${(/** @type {any} */ event) => take(now.tool, event.target.value)}>
      ${Object.entries(COLOURS).map(([name, colour]) => html`<option key=${colour} value=${colour}>${t(`board.${name}`)}</option>`)}
    </select>`}
  </span>`;
}
