// @ts-check
/** Another title for something. */

import { html, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { Refusal, useAct } from "./remote.js";

/** @param {{title: string, act: (title: string) => Promise<unknown>, onDone: () => void, onClose: () => void}} props */
export function Rename({ title: before, act, onDone, onClose }) {
  const [title, setTitle] = useState(before);
  const { isBusy, refusal, run } = useAct();
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    if (await run(() => act(title.trim()))) onDone();
  };
  return html`<form class="stack" onSubmit=${save}>
    <label class="field">${t("home.name")}
      <input data-testid="rename-title" dir="auto" required maxlength=${SHORT_TEXT_LENGTH} value=${title} onInput=${(/** @type {any} */ { target }) => setTitle(target.value)} />
    </label>
    <${Refusal} text=${refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="rename-save" disabled=${isBusy || title.trim() === ""}>${t("home.save")}</button>
    </div>
  </form>`;
}
