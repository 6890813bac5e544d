// @ts-check
/** The way back to their classes, for staff who have signed in in this tab. */

import { html } from "../html.js";
import { t } from "../strings.js";
import { isSignedIn } from "../page.js";

/** @param {{isStaff: boolean}} props */
export function HomeLink({ isStaff }) {
  return isStaff && isSignedIn() ? html`<a class="home-link small" href="/" data-testid="home-link">← ${t("over.home")}</a>` : null;
}
