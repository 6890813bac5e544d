// @ts-check
/** Before the door: whose class this is, and that somebody will open. */

import { html } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { FullPage } from "../shared/ui/fullpage.js";
import { ConnectionBanner } from "../shared/ui/notices.js";

/** @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Lobby({ classroom }) {
  const { title, teacher, status } = classroom.state.value;
  return html`<${FullPage}
    title=${title ?? t("session.untitled")}
    text=${teacher === null ? t("lobby.text") : t("lobby.teacher", { teacher })}
    testid="lobby"
  >
    <p role="status"><span class=${`pill ${status === "live" ? "live" : ""}`}>${status === "live" ? `● ${t("status.live")}` : t("status.scheduled")}</span></p>
    <p class="small muted">${t("lobby.stay")}</p>
    <${ConnectionBanner} classroom=${classroom} />
  <//>`;
}
