// @ts-check
/** The school itself, for its administrators: people, settings, and the systems that are told. */

import { html } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Link } from "./router.js";
import { People } from "./school/people.js";
import { Settings } from "./school/settings.js";
import { Webhooks } from "./school/webhooks.js";

const PARTS = { "": People, settings: Settings, webhooks: Webhooks };

/** @param {{api: import("../shared/rest.js").Rest, me: import("./rights.js").Me, part: string, onRenamed: () => void}} props */
export function School({ api, me, part, onRenamed }) {
  const shown = Object.hasOwn(PARTS, part) ? /** @type {keyof typeof PARTS} */ (part) : "";
  return html`<h1>${t("home.school")}</h1>
    <nav class="parts" aria-label=${t("school.parts")}>
      ${Object.keys(PARTS).map((name) => html`<${Link} key=${name} href=${`/school${name && `/${name}`}`} aria-current=${name === shown ? "page" : undefined}>${t(`school.${name || "people"}`)}<//>`)}
    </nav>
    <${PARTS[shown]} key=${shown} ...${{ api, me, onRenamed }} />`;
}
