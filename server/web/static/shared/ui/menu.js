// @ts-check
/** A few actions behind one small button. */

import { html, useRef } from "../html.js";
import { Icon } from "./icon.js";

/**
 * A few actions behind one small button; one such menu is open at a time, and Escape closes it.
 * @param {{label: string, testid: string,
 *   actions: {testid: string, label: string, onChoose: () => void}[]}} props
 */
export function Menu({ label, testid, actions }) {
  const ref = useRef(/** @type {HTMLDetailsElement|null} */ (null));
  const close = () => ref.current?.removeAttribute("open");
  /** @param {KeyboardEvent} event */
  const escape = ({ key }) => {
    if (key !== "Escape") return;
    close();
    ref.current?.querySelector("summary")?.focus();
  };
  return html`<details class="menu" name="menu" ref=${ref} onKeyDown=${escape}>
    <summary aria-label=${label} title=${label} data-testid=${testid}><${Icon} name="ellipsis" /></summary>
    <div class="row">
      ${actions.map(
        (action) => html`<button key=${action.testid} type="button" class="small" data-testid=${action.testid} onClick=${() => (close(), action.onChoose())}>${action.label}</button>`,
      )}
    </div>
  </details>`;
}
