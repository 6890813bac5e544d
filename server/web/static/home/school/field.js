// @ts-check
/** A field with its name, what helps to fill it in, and what was wrong with it; and a text to take away. */

import { copied } from "../../shared/clipboard.js";
import { html, useRef, useState } from "../../shared/html.js";
import { t } from "../../shared/strings.js";

/**
 * @param {{name: string, testid: string, value: string, onInput: (value: string) => void, hint?: string,
 *   error?: string, rows?: number, [other: string]: any}} props `rows`: of a text of several lines
 */
export function Field({ name, testid, value, onInput, hint = "", error = "", rows, ...others }) {
  const described = [hint && `${testid}-hint`, error && `${testid}-error`].filter(Boolean).join(" ");
  const more = {
    ...others, value, "data-testid": testid, "aria-describedby": described || undefined, "aria-invalid": error ? "true" : undefined,
    onInput: (/** @type {any} */ { target }) => onInput(target.value),
  };
  return html`<div class="stack tight">
    <label class="field">${name}
      ${rows ? html`<textarea rows=${rows} ...${more}></textarea>` : html`<input ...${more} />`}
    </label>
    ${hint && html`<p class="small muted" id=${`${testid}-hint`}>${hint}</p>`}
    <p role="alert" class="refusal small" id=${`${testid}-error`} data-testid=${`${testid}-error`}>${error}</p>
  </div>`;
}

/** What is shown this once, to be copied. @param {{name: string, text: string, testid: string}} props */
export function Once({ name, text, testid }) {
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  const [said, setSaid] = useState("");
  const copy = async () => setSaid(t((await copied(text, field.current)) ? "invite.copied" : "field.copy_yourself"));
  return html`<div class="card stack once">
    <label class="field">${name}
      <span class="row nowrap">
        <input class="grow" ref=${field} readonly data-testid=${testid} value=${text} onFocus=${(/** @type {any} */ { target }) => target.select()} />
        <button type="button" data-testid=${`${testid}-copy`} onClick=${copy}>${t("invite.copy")}</button>
      </span>
    </label>
    <p role="status" class="small">${said}</p>
  </div>`;
}
