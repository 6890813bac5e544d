// @ts-check
/** Am I seen, am I heard, can I hear: before the class, and whenever something sounds wrong. */

import { playTestSound } from "../shared/devices.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../shared/html.js";
import { signal } from "../shared/signals.js";
import { known, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Meter } from "../shared/ui/meter.js";

/** @typedef {import("./broadcast.js").Broadcast} Broadcast @typedef {import("../shared/devices.js").Role} Role */

export const isChecking = signal(false);

/** @param {{camera: Broadcast}} props */
export function DeviceCheck({ camera }) {
  return camera.isOn.value && isChecking.value ? html`<${Check} camera=${camera} />` : null;
}

/** @param {{camera: Broadcast}} props */
function Check({ camera }) {
  const section = useRef(/** @type {HTMLElement|null} */ (null));
  useLayoutEffect(() => section.current?.scrollIntoView({ block: "nearest" }), []);
  const done = () => {
    // To what opens it again.
    /** @type {HTMLElement|null} */ (document.querySelector("[aria-controls=device-check]"))?.focus();
    isChecking.value = false;
  };
  return html`<section ref=${section} class="card stack check" id="device-check" aria-label=${t("devices.check")} data-testid="device-check">
    <div class="row">
      <h2 class="grow">${t("devices.check")}</h2>
      <button type="button" class="primary small" data-testid="device-check-done" onClick=${done}><${Icon} name="check" />${t("devices.done")}</button>
    </div>
    ${camera.missing.value.map(
      ({ role, reason }) => html`<p key=${role} class="banner" role="status" data-testid="missing">${t(`devices.without_${role}`)} ${t(known(`camera.${reason}`) ? `camera.${reason}` : "camera.failed")}</p>`,
    )}
    ${camera.problem.value && html`<p class="banner" role="status" data-testid="device-problem">${explanation(camera.problem.value)}</p>`}
    <div class="sides">
      <${SelfView} camera=${camera} />
      <div class="stack">
        <${Picker} camera=${camera} role="camera" />
        <${Picker} camera=${camera} role="microphone" />
        ${camera.microphone.value &&
        html`<div class="row"><${Meter} level=${camera.level} label=${t("camera.level")} testid="check-level" /></div>
          <p class="small muted">${t("devices.speak")}</p>`}
        <${Picker} camera=${camera} role="speaker" />
        <${TestSound} speaker=${camera.chosen.value.speaker} />
      </div>
    </div>
  </section>`;
}

/** What is wrong, and what to do about it in this browser. @param {string} problem */
export function explanation(problem) {
  const text = t(known(`camera.${problem}`) ? `camera.${problem}` : "camera.failed");
  return problem === "NotAllowedError" ? `${text} ${t(`camera.steps.${browser()}`)}` : text;
}

function browser() {
  const { userAgent } = navigator;
  if (userAgent.includes("Firefox/")) return "firefox";
  return userAgent.includes("Chrome/") ? "chromium" : "other";
}

/** Mirrored, as people know themselves; nobody else sees it so. @param {{camera: Broadcast}} props */
function SelfView({ camera }) {
  const video = useRef(/** @type {HTMLVideoElement|null} */ (null));
  const track = camera.camera.value;
  useEffect(() => {
    if (video.current) video.current.srcObject = track && new MediaStream([track]);
  }, [track]);
  if (track === null) return html`<div class="self off"><${Icon} name="video-off" />${t("devices.no_camera")}</div>`;
  return html`<video ref=${video} class="self mirrored" autoplay muted playsinline data-testid="self-view" aria-label=${t("stage.preview")}></video>`;
}

/** @param {{camera: Broadcast, role: Role}} props */
function Picker({ camera, role }) {
  const there = camera.found.value[role];
  const { id, label } = camera.chosen.value[role];
  if (there.length === 0 && role === "speaker") return null; // the browser leaves it to the system
  const selected = there.find((each) => each.id === id) ?? there.find((each) => label !== "" && each.label === label);
  /** @param {{target: HTMLSelectElement}} event */
  const choose = ({ target }) => void camera.choose(role, there.find((each) => each.id === target.value) ?? { id: "", label: "" });
  return html`<label>${t(`camera.${role}`)}
    <select data-testid=${`${role}-picker`} value=${selected?.id ?? ""} disabled=${there.length === 0} onChange=${choose}>
      <option value="">${there.length === 0 ? t("devices.none") : t("camera.default")}</option>
      ${there.map((each, index) => html`<option key=${each.id} value=${each.id}>${each.label || t("devices.unnamed", { number: index + 1 })}</option>`)}
    </select>
  </label>`;
}

/** @param {{speaker: import("../shared/devices.js").Device}} props */
function TestSound({ speaker }) {
  const [isPlaying, setPlaying] = useState(false);
  const play = async () => {
    setPlaying(true);
    await playTestSound(speaker).catch(() => undefined);
    setPlaying(false);
  };
  return html`<div class="row">
    <button type="button" class="small" data-testid="test-sound" disabled=${isPlaying} onClick=${play}><${Icon} name="volume-2" />${isPlaying ? t("devices.playing") : t("devices.test_sound")}</button>
    <span class="small muted grow">${t("devices.hear")}</span>
  </div>`;
}

/** What happened to devices while one teaches, and what could be done. @param {{camera: Broadcast}} props */
export function DeviceNotices({ camera }) {
  const arrived = camera.arrived.value;
  const screen = camera.screenNotice.value;
  return html`<div role="status" data-testid="device-notices">
    ${camera.isTalkingMuted.value &&
    html`<div class="banner" data-testid="talking-muted">
      <${Icon} name="mic-off" /><span class="grow">${t("camera.talking_muted")}</span>
      <button type="button" class="small primary" onClick=${camera.mute}>${t("camera.unmute")}</button>
    </div>`}
    ${arrived &&
    html`<div class="banner" data-testid="device-arrived">
      <span class="grow">${t("devices.arrived", { name: arrived.device.label || t(`camera.${arrived.role}`) })}</span>
      <button type="button" class="small primary" onClick=${() => camera.choose(arrived.role, arrived.device)}>${t("devices.use")}</button>
      <button type="button" class="small quiet" onClick=${() => (camera.arrived.value = null)}>${t("dismiss")}</button>
    </div>`}
    ${screen &&
    html`<div class="banner" data-testid="screen-notice">
      <span class="grow">${t(`screen.${screen}`)}</span>
      <button type="button" class="small quiet" onClick=${() => (camera.screenNotice.value = null)}>${t("dismiss")}</button>
    </div>`}
  </div>`;
}
