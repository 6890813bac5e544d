// @ts-check
/** The end of a class, for everyone; and how to leave it without ending it. */

import { html } from "../shared/html.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { FullPage } from "../shared/ui/fullpage.js";
import { ask } from "./confirm.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** Whether this page has left the class, which goes on. */
export const hasLeft = signal(false);

/** @param {{classroom: Classroom, isOpen: boolean, onClose: () => void}} props */
export function EndDialog({ classroom, isOpen, onClose }) {
  const end = () => (classroom.act("session.end"), onClose());
  return html`<${Dialog} isOpen=${isOpen} isGrave title=${t("end.title")} onClose=${onClose} testid="end-dialog">
    <p>${t("end.text", { count: classroom.presence.value.count })}</p>
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("end.keep")}</button>
      <button type="button" class="danger" data-testid="end-class-confirm" onClick=${end}>${t("end.confirm")}</button>
    </div>
  <//>`;
}

/** Ask, then leave: a co-teacher goes on, or nobody does. @param {Classroom} classroom @param {import("./broadcast.js").Broadcast} camera */
export function leave(classroom, camera) {
  const { presence, me } = classroom;
  const others = [...presence.value.people.values()].filter(
    ({ user, role }) => user !== me.value?.user && (role === "teacher" || role === "admin"),
  );
  ask({
    title: t("leave.title"),
    text: others.length > 0 ? t("leave.text", { name: others[0].name }) : t("leave.alone"),
    action: t("leave.confirm"),
    onYes: () => {
      camera.turnOff();
      classroom.leave();
      hasLeft.value = true;
    },
  });
}

/** What is left of the page then. */
export function Left() {
  return html`<${FullPage} title=${t("left.title")} text=${t("left.text")} testid="left">
    <button type="button" class="primary" onClick=${() => location.reload()}>${t("left.back")}</button>
  <//>`;
}
