// @ts-check
/**
 * What this studio sees and hears: camera, microphone, and a screen that is shared.
 *
 * @typedef {ReturnType<typeof capture>} Capture
 * @typedef {import("../shared/devices.js").Role} Role
 */

import { arrivals, devices, listen, open, permission, remember, remembered } from "../shared/devices.js";
import { computed, effect, signal } from "../shared/signals.js";
import { talk } from "./composer/voice.js";

const NO_DEVICES = { camera: [], microphone: [], speaker: [] };
/** How long it is said that a muted person talks. */
const SAID_MS = 6_000;

/** @param {{session: string}} options */
export function capture({ session }) {
  /** Camera and microphone, or what there is of them; null while turned off. */
  const stream = signal(/** @type {MediaStream|null} */ (null));
  const missing = signal(/** @type {import("../shared/devices.js").Opened["missing"]} */ ([]));
  /** The name of the browser's exception. */
  const problem = signal(/** @type {string|null} */ (null));
  /** What the browser says of the camera: "prompt" before it was asked. */
  const permitted = signal(/** @type {PermissionState|null} */ (null));
  const isOpening = signal(false);
  const level = signal(0);
  const found = signal(/** @type {import("../shared/devices.js").Found} */ (NO_DEVICES));
  const chosen = signal(remembered());
  /** What was plugged in since. */
  const arrived = signal(/** @type {{role: Role, device: import("../shared/devices.js").Device}|null} */ (null));
  const isMuted = signal(false);
  const isHidden = signal(false);
  /** Somebody talks, and nobody hears it. */
  const isTalkingMuted = signal(false);
  const screen = signal(/** @type {MediaStream|null} */ (null));
  /** A shared screen has ended by itself, or could not be shared. */
  const screenNotice = signal(/** @type {"ended"|"failed"|null} */ (null));

  const isOn = computed(() => stream.value !== null);
  const microphone = computed(() => stream.value?.getAudioTracks()[0] ?? null);
  const camera = computed(() => stream.value?.getVideoTracks()[0] ?? null);
  const wasOn = `liveclass.camera.${session}`;

  let stopListening = () => {};
  effect(() => {
    stopListening();
    stopListening = () => {};
    level.value = 0;
    if (microphone.value === null) return;
    const talks = talk();
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let quiet;
    stopListening = listen(microphone.value, (loudness) => {
      level.value = loudness;
      if (!talks(loudness, performance.now()) || !isMuted.peek()) return;
      isTalkingMuted.value = true;
      clearTimeout(quiet);
      quiet = setTimeout(() => (isTalkingMuted.value = false), SAID_MS);
    });
  });
  effect(() => {
    if (microphone.value) microphone.value.enabled = !isMuted.value;
    if (!isMuted.value) isTalkingMuted.value = false;
  });
  effect(() => {
    if (camera.value) camera.value.enabled = !isHidden.value;
  });

  /** @param {MediaStream|null} next */
  const become = (next) => {
    for (const track of stream.peek()?.getTracks() ?? []) track.stop();
    for (const track of next?.getTracks() ?? []) track.onended = () => void turnOn(); // unplugged: what is left
    stream.value = next;
    if (next === null) sessionStorage.removeItem(wasOn);
    else sessionStorage.setItem(wasOn, "1");
  };
  /** Open what is chosen, in the place of what is open. */
  const turnOn = async () => {
    isOpening.value = true;
    problem.value = null;
    try {
      const opened = await open(chosen.value);
      missing.value = opened.missing;
      become(opened.stream);
      found.value = await devices();
    } catch (error) {
      problem.value = /** @type {DOMException} */ (error).name;
    } finally {
      isOpening.value = false;
      permitted.value = await permission("camera");
    }
  };
  const stopSharing = () => {
    for (const track of screen.value?.getTracks() ?? []) track.stop();
    screen.value = null;
  };
  const turnOff = () => {
    stopSharing();
    missing.value = [];
    arrived.value = null;
    if (isOn.value) become(null);
  };

  void permission("camera").then((state) => (permitted.value = state));
  // A page that was reloaded in mid-class goes on sending without being asked.
  if (sessionStorage.getItem(wasOn)) void turnOn();
  navigator.mediaDevices?.addEventListener("devicechange", async () => {
    if (!isOn.value) return;
    const now = await devices();
    arrived.value = arrivals(found.value, now)[0] ?? null;
    found.value = now;
  });

  return {
    stream, camera, microphone, missing, problem, permitted, isOpening, isOn, level, found, chosen, arrived,
    isMuted, isHidden, isTalkingMuted, screen, screenNotice,
    turnOn, turnOff, stopSharing,
    /** Slides and boards need neither camera nor microphone. */
    goWithout() {
      problem.value = null;
      become(new MediaStream());
    },
    /** Use this one from now on, and next time. @param {Role} role @param {import("../shared/devices.js").Device} device */
    choose(role, device) {
      chosen.value = { ...chosen.value, [role]: device };
      remember(chosen.value);
      arrived.value = null;
      return role === "speaker" ? Promise.resolve() : turnOn();
    },
    mute: () => void (isMuted.value = !isMuted.value),
    hide: () => void (isHidden.value = !isHidden.value),
    /** Ask which screen, window or tab the class may see. */
    async share() {
      screenNotice.value = null;
      try {
        const shared = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 30 } }, audio: true });
        stopSharing();
        shared.getVideoTracks()[0].onended = () => {
          screenNotice.value = "ended";
          stopSharing();
        };
        screen.value = shared;
      } catch (error) {
        // Whoever changed their mind knows it.
        if (/** @type {DOMException} */ (error).name !== "NotAllowedError") screenNotice.value = "failed";
      }
    },
  };
}
