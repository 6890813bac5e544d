// @ts-check
/** A modal dialog. */

import { html, useLayoutEffect, useRef } from "../html.js";

/**
 * A modal dialog on the native element: focus goes in and comes back, Escape closes. With
 * `isGrave`, the focus is on the heading: Enter alone does nothing, an action must be chosen.
 * @param {{isOpen: boolean, title: string, onClose: () => void, testid: string,
 *   isGrave?: boolean, isWide?: boolean, children?: any}} props
 */
export function Dialog({ isOpen, title, onClose, testid, isGrave = false, isWide = false, children }) {
  const ref = useRef(/** @type {HTMLDialogElement|null} */ (null));
  const heading = useRef(/** @type {HTMLElement|null} */ (null));
  // Not useEffect, which is later than what is seen: what one presses in between is meant for the dialog.
  useLayoutEffect(() => {
    if (isOpen && !ref.current?.open) {
      ref.current?.showModal();
      if (isGrave) heading.current?.focus();
    }
    if (!isOpen && ref.current?.open) ref.current.close();
  }, [isOpen]);
  // The element says it a little later: perhaps somebody has opened another one by then.
  const closed = () => isOpen && !ref.current?.open && onClose();
  return html`<dialog ref=${ref} class=${isWide ? "wide" : ""} onClose=${closed} aria-label=${title} data-testid=${testid}>
    ${isOpen && html`<div class="stack"><h2 ref=${heading} tabindex="-1">${title}</h2>${children}</div>`}
  </dialog>`;
}
