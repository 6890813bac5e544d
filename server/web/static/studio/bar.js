// @ts-check
/** The bar: what state the class is in, how the picture leaves this place, and the main action. */

import { html, useState } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { clock, duration, t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Icon } from "../shared/ui/icon.js";
import { Menu } from "../shared/ui/menu.js";
import { isListed } from "../shared/keys.js";
import { UPLINK } from "./details.js";
import { EndDialog, leave } from "./endclass.js";
import { GoLive } from "./golive.js";
import { Invite } from "./invite.js";
import { detailed } from "./destinations.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom @typedef {import("./broadcast.js").Broadcast} Broadcast */

/** Shape and colour of the teacher's own connection. @type {Record<string, [string, string]>} */
const UPLINKS = { good: ["●", "ok"], unstable: ["◐", "warn"], failing: ["✕", "bad"], no_data: ["?", ""] };
/** For so long after the start, platforms may be on their way without anybody wondering. */
const STARTING_MS = 60_000;
const ON_THE_WAY = new Set(["enabled", "connecting", "retry_requested"]);

/**
 * @param {{classroom: Classroom, camera: Broadcast, api: import("../shared/rest.js").Rest,
 *   session: import("../shared/signals.js").Signal<any>}} props
 */
export function Bar({ classroom, camera, session, api }) {
  const { state, presence, me } = classroom;
  const { status } = state.value;
  const [asking, ask] = useState(/** @type {"start"|"end"|"invite"|null} */ (null));
  const close = () => ask(null);
  const mayRun = me.value?.role === "teacher" || me.value?.role === "admin";
  const isPending = classroom.isPending(({ op }) => op.startsWith("session."));
  const isOpen = status === "scheduled" || status === "live";
  const isOff = status === "scheduled" && !camera.isOn.value;
  return html`<header class="bar">
    <h1 dir="auto" data-testid="title" title=${session.value?.title}>${session.value?.title ?? t("session.untitled")}</h1>
    <${Status} classroom=${classroom} camera=${camera} session=${session} />
    ${status !== "ended" && status !== "archived" && html`<span class="small muted num" data-testid="online">${t("people.here", { count: presence.value.count })}</span>`}
    <${Uplink} classroom=${classroom} />
    <span class="grow"></span>
    <${Recording} classroom=${classroom} mayRun=${mayRun} />
    ${isOpen && html`<${Lock} classroom=${classroom} />`}
    ${isOpen && html`<button type="button" data-testid="invite" title=${t("invite.open")} onClick=${() => ask("invite")}><${Icon} name="link" /><span class="word side">${t("invite.open")}</span></button>`}
    ${mayRun && isOff && html`<button type="button" class="primary" data-testid="check-devices" title=${t("start.check")} disabled=${camera.isOpening.value} onClick=${camera.turnOn}><${Icon} name="video" /><span class="word">${t("start.check")}</span></button>`}
    ${mayRun && status === "scheduled" && html`<button type="button" class=${isOff ? "" : "primary"} data-testid="go-live" disabled=${isPending} onClick=${() => ask("start")}><${Icon} name="radio" />${t("go_live")}</button>`}
    ${mayRun && status === "live" && html`<button type="button" class="danger" data-testid="end-class" disabled=${isPending} onClick=${() => ask("end")}>${t("end.open")}</button>`}
    ${status === "ended" && html`<a class="button" href=${`/sessions/${classroom.id}/report`}>${t("report.open")}</a><a class="button primary" href=${`/sessions/${classroom.id}/replay`}>${t("over.replay")}</a>`}
    <${Menu}
      testid="more"
      label=${t("bar.more")}
      actions=${[
        { testid: "keys-list", label: t("keys.title"), onChoose: () => (isListed.value = true) },
        ...(isOpen ? [{ testid: "leave", label: t("leave.open"), onChoose: () => leave(classroom, camera) }] : []),
      ]}
    />
    <${GoLive} classroom=${classroom} camera=${camera} isOpen=${asking === "start"} onClose=${close} />
    <${EndDialog} classroom=${classroom} isOpen=${asking === "end"} onClose=${close} />
    <${Dialog} isOpen=${asking === "invite"} title=${t("invite.title")} onClose=${close} testid="invite-dialog">
      <${Invite} id=${classroom.id} api=${api} role=${me.value?.role} onClose=${close} />
    <//>
  </header>`;
}

/** How the teacher's own connection is, apart from what is behind it. @param {{classroom: Classroom}} props */
function Uplink({ classroom }) {
  const { state, kbps } = classroom.health.value.uplink;
  const { status } = classroom.state.value;
  if (!state || status === "ended" || status === "archived") return null;
  const [shape, colour] = UPLINKS[state] ?? UPLINKS.no_data;
  return html`<button type="button" class=${`pill ${colour}`} title=${t("uplink.title")} data-testid="uplink" onClick=${() => (detailed.value = UPLINK)}>
    <span aria-hidden="true">${shape}</span><span class="visually-hidden">${t("uplink.title")}: </span> ${t(`health.${state}`)}${kbps ? html` <span class="num rate">${t("kbps", { kbps: kbps.toLocaleString() })}</span>` : null}
  </button>`;
}

/** What is wrong with the teacher's own connection, in a sentence under the bar. @param {{classroom: Classroom}} props */
export function UplinkTrouble({ classroom }) {
  const { state, text } = classroom.health.value.uplink;
  const isBad = (state === "unstable" || state === "failing") && classroom.state.value.status !== "ended";
  return html`<div role="status">${isBad && html`<p class="banner" data-testid="uplink-trouble"><span class="grow">${text}</span></p>`}</div>`;
}

/** Whether newcomers come straight in. @param {{classroom: Classroom}} props */
function Lock({ classroom }) {
  const { locked } = classroom.state.value;
  const isPending = classroom.isPending(({ op }) => op === "session.lock" || op === "session.unlock");
  return html`<button
    type="button"
    data-testid="lock"
    aria-pressed=${locked}
    aria-label=${locked ? t("lock.unlock") : t("lock.lock")}
    title=${locked ? t("lock.on") : t("lock.off")}
    disabled=${isPending}
    onClick=${() => classroom.act(locked ? "session.unlock" : "session.lock")}
  ><${Icon} name=${locked ? "lock" : "lock-open"} /></button>`;
}

/** @param {{classroom: Classroom, camera: Broadcast, session: import("../shared/signals.js").Signal<any>}} props */
function Status({ classroom, camera, session }) {
  const { status, started_at: startedAt, ended_at: endedAt, destinations, publisher, recording } = classroom.state.value;
  const now = useNow(classroom, status === "live" || status === "scheduled");
  if (status === "live") {
    const age = now - Date.parse(startedAt ?? "");
    const enabled = Object.values(destinations).filter((each) => each.status === "enabled");
    const isStarting = publisher?.live === true && age < STARTING_MS && enabled.length > 0 &&
      enabled.every(({ phase, attempt }) => ON_THE_WAY.has(phase) && attempt <= 1);
    return html`<span class="row">
      ${isStarting
        ? html`<span class="pill warn busy" data-testid="status">${t("status.starting")}</span>`
        : html`<span class="pill live" data-testid="status">● ${t("status.live")}</span>`}
      <span class="num" role="timer" data-testid="elapsed">${duration(age)}</span>
    </span>`;
  }
  if (status === "scheduled") {
    const isSent = camera.peer.value.status === "live" || publisher?.live === true;
    const at = session.value?.scheduled_at;
    return html`<span class="row"><span class="pill" data-testid="status">${isSent ? t("status.rehearsal") : t("status.not_live")}</span>
      ${at && html`<span class="small muted num" data-testid="starts">${starts(at, now)}</span>`}</span>`;
  }
  const isFinishing = recording?.status === "recording" || recording?.status === "stopped";
  const length = startedAt && endedAt ? duration(Date.parse(endedAt) - Date.parse(startedAt)) : "";
  return html`<span class="row"><span class="pill" data-testid="status">${t("status.ended")} <span class="num">${length}</span></span>
    ${isFinishing && html`<span class="small muted">${t("recording.leave")}</span>`}</span>`;
}

/** @param {string} at @param {number} now */
function starts(at, now) {
  const minutes = Math.round((Date.parse(at) - now) / 60_000);
  if (minutes > 24 * 60 || minutes < -60) return t("bar.starts", { time: clock(at) });
  if (minutes < 0) return t("bar.late", { time: clock(at), count: -minutes });
  return minutes > 60 ? t("bar.starts_hours", { time: clock(at), count: Math.round(minutes / 60) }) : t("bar.starts_in", { time: clock(at), count: minutes });
}

/** @param {{classroom: Classroom, mayRun: boolean}} props */
function Recording({ classroom, mayRun }) {
  const { status, recording } = classroom.state.value;
  const isOn = recording?.status === "recording";
  const isPending = classroom.isPending(({ op }) => op.startsWith("recording."));
  const looks = isOn ? "live" : recording?.status === "failed" ? "bad" : recording?.status === "stopped" ? "busy" : "";
  return html`
    ${recording && html`<span class=${`pill ${looks}`} data-testid="recording-status">${t(`recording.${recording.status}`)}</span>`}
    ${mayRun && status === "live" &&
    html`<button type="button" data-testid="record" title=${t(isOn ? "recording.stop" : "recording.start")} disabled=${isPending} onClick=${() => classroom.act(isOn ? "recording.stop" : "recording.start")}>
      <${Icon} name=${isOn ? "square" : "circle"} /><span class="word side">${isOn ? t("recording.stop") : t("recording.start")}</span>
    </button>`}
  `;
}
