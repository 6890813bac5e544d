// @ts-check
/** A class on air or to come: when it is, where it belongs, and what can be done about it. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Icon } from "../shared/ui/icon.js";
import { Menu } from "../shared/ui/menu.js";
import { enter } from "./account.js";
import { Place, useCourseOf } from "./catalogue.js";
import { Confirm } from "./confirm.js";
import { Encoders } from "./encoders.js";
import { Invite } from "./invite.js";
import { Opener } from "./opener.js";
import { teaches } from "./rights.js";
import { Schedule } from "./schedule.js";
import { day, timeOf } from "./times.js";

/**
 * @param {{api: import("../shared/rest.js").Rest, me: import("./rights.js").Me, session: any,
 *   isNext?: boolean, isInLesson?: boolean, onChange: () => void}} props `isNext`: whether it is
 *   what is most likely opened; `isInLesson`: whether its lesson stands above it, and its day does not.
 */
export function Session({ api, me, session, isNext = false, isInLesson = false, onChange }) {
  const [asking, ask] = useState("");
  const { id, title, status, lesson, scheduled_at: at } = session;
  const course = useCourseOf(api, lesson);
  const mayRun = teaches(me, id, course);
  const close = () => ask("");
  const done = () => (close(), onChange());
  const isPlanned = status === "scheduled";
  const actions = [
    { testid: "open-room", label: t("session.room"), onChoose: () => (enter(id), location.assign(`/sessions/${id}/room`)), isShown: true },
    { testid: "encoder", label: t("session.encoder"), onChoose: () => ask("encoder"), isShown: mayRun },
    { testid: "edit", label: t("session.edit"), onChoose: () => ask("edit"), isShown: mayRun && isPlanned },
    { testid: "delete", label: t("session.delete"), onChoose: () => ask("delete"), isShown: mayRun && isPlanned },
  ].filter(({ isShown }) => isShown);
  return html`<li class=${`item ${status}`} data-testid="session">
    <div class="when num">${status === "live" ? html`<span class="pill live">● ${t("status.live")}</span>` : at ? html`${isInLesson && html`<span>${day(at)}</span>`}<span>${timeOf(at)}</span>` : "–"}</div>
    <div class="what grow">
      <p class="name" dir="auto" data-testid="session-title">${title}</p>
      <p class="small muted">${!isInLesson && html`<${Place} ...${{ api, lesson }} />`}${at && isPlanned && Date.parse(at) < Date.now() ? html`<span class="late">${t("session.late")}</span>` : null}</p>
    </div>
    <div class="row acts">
      <${Opener} id=${id} page="studio" isPrimary=${isNext || status === "live"}><${Icon} name="presentation" />${t("session.studio")}<//>
      <button type="button" data-testid="invite" onClick=${() => ask("invite")}><${Icon} name="link" />${t("session.invite")}</button>
      <${Menu} label=${t("session.actions", { title })} testid="session-actions" actions=${actions} />
    </div>
    <${Dialog} isOpen=${asking === "invite"} title=${t("invite.title_of", { title })} onClose=${close} testid="invite-dialog">
      <${Invite} ...${{ api, session, mayRun }} onClose=${close} />
    <//>
    <${Dialog} isOpen=${asking === "encoder"} title=${t("encoder.title")} onClose=${close} testid="encoder-dialog">
      <${Encoders} ...${{ api, id }} onClose=${close} />
    <//>
    <${Dialog} isOpen=${asking === "delete"} title=${t("session.delete_title")} onClose=${close} testid="delete-dialog">
      <${Confirm} text=${t("session.delete_text", { title })} label=${t("session.delete")} act=${() => api.send("DELETE", `/v1/sessions/${id}`)} onDone=${done} onClose=${close} />
    <//>
    ${mayRun && isPlanned && html`<${Schedule} isOpen=${asking === "edit"} onClose=${close} onDone=${done} ...${{ api, me, session }} />`}
  </li>`;
}
