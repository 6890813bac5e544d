// @ts-check
/** A modal dialog. */

import { html, useEffect, useRef } from "../html.js";

/**
 * A modal dialog on the native element: focus goes in and comes back, Escape closes.
 * @param {{isOpen: boolean, title: string, onClose: () => void, testid: string, children?: any}} props
 */
export function Dialog({ isOpen, title, onClose, testid, children }) {
  const ref = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useEffect(() => {
    if (isOpen && !ref.current?.open) ref.current?.showModal();
    if (!isOpen && ref.current?.open) ref.current.close();
  }, [isOpen]);
  return html`<dialog ref=${ref} onClose=${onClose} aria-label=${title} data-testid=${testid}>
    ${isOpen && html`<div class="stack"><h2>${title}</h2>${children}</div>`}
  </dialog>`;
}
