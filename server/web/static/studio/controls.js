// @ts-check
/** The control bar: microphone and camera, whether they are sent, and which ones they are. */

import { html } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @typedef {import("./broadcast.js").Broadcast} Broadcast */

/** @param {{classroom: import("../shared/classroom.js").Classroom, camera: Broadcast}} props */
export function Controls({ classroom, camera }) {
  const { status } = classroom.state.value;
  const { isMuted, isHidden, isRehearsing } = camera;
  if (!camera.isOn.value) return null;
  return html`<div class="controls" role="toolbar" aria-label=${t("controls.title")}>
    <button type="button" class="control" data-testid="mute" aria-pressed=${isMuted.value} onClick=${camera.mute}>
      <${Icon} name=${isMuted.value ? "mic-off" : "mic"} />${isMuted.value ? t("camera.unmute") : t("camera.mute")}
    </button>
    <${Level} camera=${camera} />
    <button type="button" class="control" data-testid="hide" aria-pressed=${isHidden.value} onClick=${camera.hide}>
      <${Icon} name=${isHidden.value ? "video-off" : "video"} />${isHidden.value ? t("camera.show") : t("camera.hide")}
    </button>
    ${status === "scheduled" &&
    html`<button type="button" class="control" data-testid="rehearse" aria-pressed=${isRehearsing.value} onClick=${() => (isRehearsing.value = !isRehearsing.value)}>
      <${Icon} name="film" />${isRehearsing.value ? t("rehearse.stop") : t("rehearse.start")}
    </button>`}
    <span class="grow"></span>
    <${Devices} camera=${camera} />
    <button type="button" class="control" data-testid="camera-off" onClick=${camera.turnOff}><${Icon} name="x" />${t("camera.off")}</button>
  </div>`;
}

/** @param {{camera: Broadcast}} props */
function Level({ camera }) {
  return html`<meter class="level" data-testid="level" min="0" max="1" high="0.9" value=${camera.level.value} aria-label=${t("camera.level")}></meter>`;
}

/** Which camera and microphone; what is chosen takes the other's place at once. @param {{camera: Broadcast}} props */
function Devices({ camera }) {
  const { cameras, microphones } = camera.found.value;
  const { camera: picture, microphone } = camera.chosen.value;
  return html`<button type="button" class="control" data-testid="devices" popovertarget="devices"><${Icon} name="settings" />${t("devices.title")}</button>
    <div popover id="devices" class="popover stack" aria-label=${t("devices.title")}>
      <${Picker} testid="camera-picker" label=${t("camera.camera")} devices=${cameras} selected=${picture} onChoose=${(/** @type {string} */ id) => camera.choose({ camera: id })} />
      <${Picker} testid="microphone-picker" label=${t("camera.microphone")} devices=${microphones} selected=${microphone} onChoose=${(/** @type {string} */ id) => camera.choose({ microphone: id })} />
    </div>`;
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
