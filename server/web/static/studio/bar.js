// @ts-check
/** The bar: what state the class is in, and the two actions that everybody would notice. */

import { html, useState } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { duration, t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Icon } from "../shared/ui/icon.js";
import { Invite } from "./invite.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** @type {Record<string, string>} */
const UPLINK = { good: "ok", unstable: "warn", failing: "bad" };

/**
 * @param {{classroom: Classroom, camera: import("./broadcast.js").Broadcast,
 *   session: import("../shared/signals.js").Signal<any>, api: import("../shared/rest.js").Rest}} props
 */
export function Bar({ classroom, camera, session, api }) {
  const { state, presence, health, me } = classroom;
  const { status } = state.value;
  const [asking, ask] = useState(/** @type {"start"|"end"|"invite"|null} */ (null));
  const close = () => ask(null);
  const mayRun = me.value?.role === "teacher" || me.value?.role === "admin";
  const act = (/** @type {string} */ op) => (classroom.act(op), close());
  const isPending = classroom.isPending(({ op }) => op.startsWith("session."));
  const uplink = health.value.uplink;
  return html`<header class="bar">
    <h1 dir="auto" data-testid="title">${session.value?.title ?? t("session.untitled")}</h1>
    <${Status} classroom=${classroom} camera=${camera} />
    <span class="small muted num" data-testid="online">${t("people.here", { count: presence.value.count })}</span>
    ${uplink.state &&
    html`<span class=${`pill ${UPLINK[uplink.state] ?? ""}`} title=${uplink.text} data-testid="uplink">
      ${t(`health.${uplink.state}`)}${uplink.kbps ? ` · ${t("kbps", { kbps: uplink.kbps })}` : ""}
    </span>`}
    <span class="grow"></span>
    <${Recording} classroom=${classroom} mayRun=${mayRun} />
    ${(status === "scheduled" || status === "live") && html`<${Lock} classroom=${classroom} />`}
    <button type="button" data-testid="invite" onClick=${() => ask("invite")}><${Icon} name="link" />${t("invite.open")}</button>
    ${mayRun && status === "scheduled" &&
    html`<button type="button" class="primary" data-testid="go-live" disabled=${isPending} onClick=${() => ask("start")}><${Icon} name="radio" />${t("go_live")}</button>`}
    ${mayRun && status === "live" &&
    html`<button type="button" class="danger" data-testid="end-class" disabled=${isPending} onClick=${() => ask("end")}>${t("end.open")}</button>`}
    ${status === "ended" && html`<a class="button primary" href=${`/sessions/${classroom.id}/replay`}>${t("over.replay")}</a>`}

    <${Dialog} isOpen=${asking === "start"} title=${t("start.title")} onClose=${close} testid="start-dialog">
      <p>${t("start.text")}</p>
      <ul class="list small">
        <li>${camera.isOn.value ? html`<${Icon} name="check" />${t("start.camera")}` : html`<${Icon} name="triangle-alert" />${t("start.no_camera")}`}</li>
        <li>${t("start.destinations", { count: Object.values(state.value.destinations).filter((to) => to.status === "enabled").length })}</li>
      </ul>
      <div class="row end">
        <button type="button" onClick=${close}>${t("cancel")}</button>
        <button type="button" class="primary" data-testid="go-live-confirm" onClick=${() => act("session.start")}>${t("start.confirm")}</button>
      </div>
    <//>
    <${Dialog} isOpen=${asking === "end"} title=${t("end.title")} onClose=${close} testid="end-dialog">
      <p>${t("end.text", { count: presence.value.count })}</p>
      <div class="row end">
        <button type="button" onClick=${close}>${t("end.keep")}</button>
        <button type="button" class="danger" data-testid="end-class-confirm" onClick=${() => act("session.end")}>${t("end.confirm")}</button>
      </div>
    <//>
    <${Dialog} isOpen=${asking === "invite"} title=${t("invite.title")} onClose=${close} testid="invite-dialog">
      <${Invite} id=${classroom.id} api=${api} onClose=${close} />
    <//>
  </header>`;
}

/** Whether newcomers come straight in. @param {{classroom: Classroom}} props */
function Lock({ classroom }) {
  const { locked } = classroom.state.value;
  const isPending = classroom.isPending(({ op }) => op === "session.lock" || op === "session.unlock");
  return html`<button
    type="button"
    data-testid="lock"
    aria-pressed=${locked}
    title=${locked ? t("lock.on") : t("lock.off")}
    disabled=${isPending}
    onClick=${() => classroom.act(locked ? "session.unlock" : "session.lock")}
  ><${Icon} name=${locked ? "lock" : "lock-open"} />${locked ? t("lock.unlock") : t("lock.lock")}</button>`;
}

/** @param {{classroom: Classroom, camera: import("./broadcast.js").Broadcast}} props */
function Status({ classroom, camera }) {
  const { status, started_at: startedAt, ended_at: endedAt } = classroom.state.value;
  if (status === "live") {
    return html`<span class="row"><span class="pill live" data-testid="status">● ${t("status.live")}</span><${Elapsed} classroom=${classroom} since=${startedAt} /></span>`;
  }
  if (status === "scheduled") {
    const isSent = camera.peer.value.status === "live";
    return html`<span class="pill" data-testid="status">${isSent ? t("status.rehearsal") : t("status.not_live")}</span>`;
  }
  const length = startedAt && endedAt ? duration(Date.parse(endedAt) - Date.parse(startedAt)) : "";
  return html`<span class="pill" data-testid="status">${t("status.ended")} <span class="num">${length}</span></span>`;
}

/** @param {{classroom: Classroom, since: string}} props */
function Elapsed({ classroom, since }) {
  return html`<span class="num" role="timer" data-testid="elapsed">${duration(useNow(classroom) - Date.parse(since))}</span>`;
}

/** @param {{classroom: Classroom, mayRun: boolean}} props */
function Recording({ classroom, mayRun }) {
  const { status, recording } = classroom.state.value;
  const isOn = recording?.status === "recording";
  const isPending = classroom.isPending(({ op }) => op.startsWith("recording."));
  return html`
    ${recording && html`<span class=${`pill ${isOn ? "live" : recording.status === "failed" ? "bad" : ""}`} data-testid="recording-status">${t(`recording.${recording.status}`)}</span>`}
    ${mayRun && status === "live" &&
    html`<button type="button" data-testid="record" aria-pressed=${isOn} disabled=${isPending} onClick=${() => classroom.act(isOn ? "recording.stop" : "recording.start")}>
      <${Icon} name=${isOn ? "square" : "circle"} />${isOn ? t("recording.stop") : t("recording.start")}
    </button>`}
  `;
}
