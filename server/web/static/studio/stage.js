// @ts-check
/** What the class sees: the preview, the devices, and whether it is sent. */

import { html, useEffect, useRef } from "../shared/html.js";
import { known, t } from "../shared/strings.js";

/** @typedef {import("./broadcast.js").Broadcast} Broadcast @typedef {import("../shared/state.js").State} State */

/** @param {{classroom: import("../shared/classroom.js").Classroom, camera: Broadcast}} props */
export function Stage({ classroom, camera }) {
  const { status, publisher } = classroom.state.value;
  const video = useRef(/** @type {HTMLVideoElement|null} */ (null));
  const picture = camera.picture.value;
  const isOn = camera.isOn.value;
  useEffect(() => {
    if (video.current) video.current.srcObject = picture;
  }, [picture]);
  const { status: sending, message } = camera.peer.value;
  const arrives = sending === "live" && publisher?.live === true;
  return html`<section class="card stack" aria-label=${t("stage.title")}>
    <figure class=${`stage ${status === "live" ? "on" : ""}`} data-testid="stage" data-sending=${sending}>
      <video ref=${video} autoplay muted playsinline class=${isOn ? "mirrored" : ""} data-testid="preview" aria-label=${isOn ? t("stage.preview") : t("stage.video")}></video>
      ${!isOn &&
      html`<figcaption class=${picture === null ? "cover" : "below"}>
        <p>${invitation(camera, status)}</p>
        <button type="button" class="primary" data-testid="camera-on" disabled=${camera.isOpening.value} onClick=${camera.turnOn}>
          ${camera.isOpening.value ? t("camera.opening") : t("camera.on")}
        </button>
      </figcaption>`}
      ${isOn && status === "scheduled" && html`<span class="pill corner">${t("status.not_live")}</span>`}
    </figure>
    ${camera.isReplaced.value &&
    html`<div class="banner" role="status" data-testid="replaced">
      <span class="grow">${t("publish.replaced")}</span>
      <button type="button" class="small" onClick=${camera.takeBack}>${t("publish.take_back")}</button>
    </div>`}
    ${isOn && html`<${Controls} camera=${camera} status=${status} />`}
    <p class="small muted" role="status" data-testid="publishing">
      ${t(`publish.${sending}`, { message })}${arrives ? ` ${t("publish.arrives", { size: `${publisher.width} × ${publisher.height}` })}` : ""}
    </p>
  </section>`;
}

/** What turning the camera on would mean now, or why it failed. @param {Broadcast} camera @param {State["status"]} status */
function invitation(camera, status) {
  const { value: problem } = camera.problem;
  if (problem) return t(known(`camera.${problem}`) ? `camera.${problem}` : "camera.failed");
  if (camera.isElsewhere.value) return t("camera.elsewhere");
  return t(status === "live" ? "camera.explain_live" : "camera.explain");
}

/** @param {{camera: Broadcast, status: State["status"]}} props */
function Controls({ camera, status }) {
  const { cameras, microphones } = camera.found.value;
  const { isMuted, isHidden, isRehearsing, chosen } = camera;
  return html`<div class="row">
      <button type="button" data-testid="mute" aria-pressed=${isMuted.value} onClick=${camera.mute}>🎤 ${isMuted.value ? t("camera.unmute") : t("camera.mute")}</button>
      <button type="button" data-testid="hide" aria-pressed=${isHidden.value} onClick=${camera.hide}>📷 ${isHidden.value ? t("camera.show") : t("camera.hide")}</button>
      <button type="button" data-testid="camera-off" onClick=${camera.turnOff}>${t("camera.off")}</button>
      ${status === "scheduled" &&
      html`<button type="button" data-testid="rehearse" aria-pressed=${isRehearsing.value} onClick=${() => (isRehearsing.value = !isRehearsing.value)}>
        ${isRehearsing.value ? t("rehearse.stop") : t("rehearse.start")}
      </button>`}
      <${Level} camera=${camera} />
    </div>
    <div class="pickers">
      <${Picker} testid="camera-picker" label=${t("camera.camera")} devices=${cameras} selected=${chosen.value.camera} onChoose=${(/** @type {string} */ id) => camera.choose({ camera: id })} />
      <${Picker} testid="microphone-picker" label=${t("camera.microphone")} devices=${microphones} selected=${chosen.value.microphone} onChoose=${(/** @type {string} */ id) => camera.choose({ microphone: id })} />
    </div>`;
}

/** @param {{camera: Broadcast}} props */
function Level({ camera }) {
  const level = camera.level.value;
  return html`<meter class="level" data-testid="level" min="0" max="1" high="0.9" value=${level} aria-label=${t("camera.level")}></meter>`;
}

/**
 * @param {{testid: string, label: string, devices: MediaDeviceInfo[], selected: string,
 *   onChoose: (id: string) => void}} props
 */
function Picker({ testid, label, devices, selected, onChoose }) {
  return html`<label>${label}
    <select data-testid=${testid} value=${selected} onChange=${(/** @type {any} */ event) => onChoose(event.target.value)}>
      <option value="">${t("camera.default")}</option>
      ${devices.map(({ deviceId, label: name }) => deviceId && html`<option key=${deviceId} value=${deviceId}>${name}</option>`)}
    </select>
  </label>`;
}
