// @ts-check
/** A lesson of a course: its place among the others, and its classes that are not over. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Menu } from "../shared/ui/menu.js";
import { Confirm } from "./confirm.js";
import { Rename } from "./rename.js";
import { Schedule } from "./schedule.js";
import { Session } from "./session.js";

/**
 * @param {{api: import("../shared/rest.js").Rest, me: import("./rights.js").Me, lesson: any, sessions: any[],
 *   mayChange: boolean, onUp: (() => void)|null, onDown: (() => void)|null, onChange: () => void}} props
 */
export function Lesson({ api, me, lesson, sessions, mayChange, onUp, onDown, onChange }) {
  const [asking, ask] = useState("");
  const close = () => ask("");
  const done = () => (close(), onChange());
  const { id, title } = lesson;
  const coming = sessions.filter(({ status }) => status === "live" || status === "scheduled");
  return html`<li class="card stack lesson" data-testid="lesson">
    <div class="row">
      <h3 class="grow" dir="auto" data-testid="lesson-name">${title}</h3>
      ${mayChange &&
      html`<button type="button" class="small quiet" data-testid="lesson-up" aria-label=${t("lesson.up", { title })} disabled=${onUp === null} onClick=${onUp}>↑</button>
        <button type="button" class="small quiet" data-testid="lesson-down" aria-label=${t("lesson.down", { title })} disabled=${onDown === null} onClick=${onDown}>↓</button>
        <button type="button" class="small" data-testid="lesson-schedule" onClick=${() => ask("schedule")}>${t("classes.schedule")}</button>
        <${Menu} label=${t("session.actions", { title })} testid="lesson-actions" actions=${[
          { testid: "lesson-rename", label: t("home.rename"), onChoose: () => ask("rename") },
          { testid: "lesson-delete", label: t("session.delete"), onChoose: () => ask("delete") },
        ]} />`}
    </div>
    ${coming.length === 0 && html`<p class="small muted">${t(sessions.length === 0 ? "lesson.nothing" : "lesson.nothing_coming")}</p>`}
    <ul class="cards">${coming.map((session) => html`<${Session} key=${session.id} isInLesson=${true} ...${{ api, me, session, onChange }} />`)}</ul>
    ${mayChange &&
    html`<${Schedule} isOpen=${asking === "schedule"} onClose=${close} onDone=${done} ...${{ api, me, lesson }} />
      <${Dialog} isOpen=${asking === "rename"} title=${t("lesson.rename")} onClose=${close} testid="rename-dialog">
        <${Rename} title=${title} act=${(/** @type {string} */ name) => api.send("PATCH", `/v1/lessons/${id}`, { title: name })} onDone=${done} onClose=${close} />
      <//>
      <${Dialog} isOpen=${asking === "delete"} title=${t("lesson.delete_title")} onClose=${close} testid="delete-dialog">
        <${Confirm} text=${t("lesson.delete_text", { title })} label=${t("session.delete")} act=${() => api.send("DELETE", `/v1/lessons/${id}`)} onDone=${done} onClose=${close} />
      <//>`}
  </li>`;
}
