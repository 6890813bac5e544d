// @ts-check
/** A way into the pages of a class, in the name of who is signed in here. */

import { html } from "../shared/html.js";
import { enter } from "./account.js";
import { isElsewhere } from "./router.js";

/**
 * The address holds no token, so that to copy it gives nothing away: the token waits in the storage
 * of this tab, and a tab that is opened from it begins with a copy.
 * @param {{id: string, page: "studio"|"room"|"replay", query?: string, isPrimary?: boolean,
 *   isPlain?: boolean, children?: any}} props
 */
export function Opener({ id, page, query = "", isPrimary = false, isPlain = false, children }) {
  const href = `/sessions/${id}/${page}${query}`;
  /** @param {MouseEvent} event */
  const open = (event) => {
    enter(id);
    if (!isElsewhere(event)) return;
    event.preventDefault();
    window.open(href);
  };
  return html`<a class=${isPlain ? "" : `button ${isPrimary ? "primary" : ""}`} href=${href} data-testid=${`open-${page}`} onClick=${open} onAuxClick=${(/** @type {MouseEvent} */ event) => event.button === 1 && open(event)}>${children}</a>`;
}
