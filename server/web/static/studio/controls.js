// @ts-check
/** The control bar: microphone, camera, screen, and whether they are sent. */

import { html } from "../shared/html.js";
import { hinted, keyed } from "../shared/keys.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Meter } from "../shared/ui/meter.js";
import { DeviceNotices, isChecking } from "./devicecheck.js";

/** The keys that work everywhere, as in other meetings. */
export const MUTE = "Control+d";
export const HIDE = "Control+e";

/** @typedef {import("./broadcast.js").Broadcast} Broadcast */

/** @param {{classroom: import("../shared/classroom.js").Classroom, camera: Broadcast}} props */
export function Controls({ classroom, camera }) {
  const { status } = classroom.state.value;
  const { isMuted, isHidden, isRehearsing } = camera;
  if (!camera.isOn.value) return null;
  return html`<${DeviceNotices} camera=${camera} />
    <div class="controls" role="toolbar" aria-label=${t("controls.title")}>
    ${camera.microphone.value &&
    html`<button type="button" class="control" data-testid="mute" aria-keyshortcuts=${keyed(MUTE)} title=${hinted(t(isMuted.value ? "camera.unmute" : "camera.mute"), MUTE)} aria-pressed=${isMuted.value} onClick=${camera.mute}>
        <${Icon} name=${isMuted.value ? "mic-off" : "mic"} />${isMuted.value ? t("camera.unmute") : t("camera.mute")}
      </button>
      <${Meter} level=${camera.level} label=${t("camera.level")} testid="level" />`}
    ${camera.camera.value &&
    html`<button type="button" class="control" data-testid="hide" aria-keyshortcuts=${keyed(HIDE)} title=${hinted(t(isHidden.value ? "camera.show" : "camera.hide"), HIDE)} aria-pressed=${isHidden.value} onClick=${camera.hide}>
      <${Icon} name=${isHidden.value ? "video-off" : "video"} />${isHidden.value ? t("camera.show") : t("camera.hide")}
    </button>`}
    <${Share} camera=${camera} />
    ${status === "scheduled" &&
    html`<button type="button" class="control" data-testid="rehearse" aria-pressed=${isRehearsing.value} onClick=${() => (isRehearsing.value = !isRehearsing.value)}>
      <${Icon} name="film" />${isRehearsing.value ? t("rehearse.stop") : t("rehearse.start")}
    </button>`}
    <span class="grow"></span>
    <button type="button" class="control" data-testid="devices" aria-expanded=${isChecking.value} aria-controls=${isChecking.value ? "device-check" : undefined} title=${t("devices.title")} onClick=${() => (isChecking.value = !isChecking.value)}>
      <${Icon} name="settings" /><span class="word">${t("devices.title")}</span>
    </button>
    <button type="button" class="control" data-testid="camera-off" title=${t("camera.off")} onClick=${camera.turnOff}><${Icon} name="x" /><span class="word">${t("camera.off")}</span></button>
  </div>`;
}

/** A screen, a window or a tab for the class to see. @param {{camera: Broadcast}} props */
function Share({ camera }) {
  if (!navigator.mediaDevices?.getDisplayMedia) return null; // phones
  const isShared = camera.screen.value !== null;
  return html`<button type="button" class="control" data-testid="share-screen" aria-pressed=${isShared} onClick=${isShared ? camera.stopSharing : camera.share}>
    <${Icon} name=${isShared ? "monitor-x" : "monitor-up"} />${isShared ? t("screen.stop") : t("screen.share")}
  </button>`;
}
