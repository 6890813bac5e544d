// @ts-check
/** The way back to their classes, for staff who have signed in in this tab, and not only opened a link to one. */

import { html } from "../html.js";
import { keptHere } from "../storage.js";
import { t } from "../strings.js";

/** @param {{isStaff: boolean}} props */
export function HomeLink({ isStaff }) {
  const hasHome = window.parent === window && keptHere("home") !== null;
  return isStaff && hasHome ? html`<a class="button small quiet" href="/" data-testid="home-link">← ${t("over.home")}</a>` : null;
}
