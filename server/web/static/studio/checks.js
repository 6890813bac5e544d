// @ts-check
/** What should be so before a class goes live; what is not, is said, and nothing more. */

import { effect } from "../shared/signals.js";
import { t } from "../shared/strings.js";

const HEARD_MS = 10_000;
/** About −42 dB: speech into a microphone is louder, a quiet room is not. */
const SPEECH = 0.3;

/** When the microphone was last heard, by this page's clock. */
let heardAt = -Infinity;

/** Listen for speech from now on. @param {import("./broadcast.js").Broadcast} camera */
export function hear(camera) {
  effect(() => {
    if (camera.level.value >= SPEECH) heardAt = Date.now();
  });
}

/** @typedef {{name: string, isGood: boolean, text: string}} Check */

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   camera: import("./broadcast.js").Broadcast, now: number}} about
 * @returns {Check[]}
 */
export function checks({ classroom, camera, now }) {
  const isOn = camera.isOn.value;
  const hasCamera = camera.camera.value !== null;
  const isSeen = hasCamera && !camera.isHidden.value;
  const isElsewhere = classroom.state.value.publisher?.live === true && !isOn;
  if (isElsewhere) return [{ name: "elsewhere", isGood: true, text: t("check.elsewhere") }, uplink(classroom)];
  return [
    { name: "camera", isGood: isSeen, text: t(isSeen ? "check.camera" : hasCamera ? "check.camera_hidden" : "check.no_camera") },
    microphone(camera, camera.microphone.value !== null, now),
    ...(isOn ? [uplink(classroom)] : []),
  ];
}

/** @param {import("./broadcast.js").Broadcast} camera @param {boolean} isThere @param {number} now @returns {Check} */
function microphone(camera, isThere, now) {
  const isGood = isThere && !camera.isMuted.value && now - heardAt < HEARD_MS;
  const text = !isThere ? "check.no_microphone" : camera.isMuted.value ? "check.muted" : isGood ? "check.heard" : "check.silent";
  return { name: "microphone", isGood, text: t(text) };
}

/** @param {import("../shared/classroom.js").Classroom} classroom @returns {Check} */
function uplink(classroom) {
  const { state, kbps, text } = classroom.health.value.uplink;
  if (!state || state === "no_data") return { name: "uplink", isGood: false, text: t("check.unmeasured") };
  const isGood = state === "good";
  return { name: "uplink", isGood, text: isGood ? t("check.uplink", { kbps: (kbps ?? 0).toLocaleString() }) : text };
}
