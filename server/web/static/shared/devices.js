// @ts-check
/**
 * Camera, microphone and speaker: what there is, what was chosen last time, how loud it is.
 *
 * @typedef {{id: string, label: string}} Device `id` is "" for the browser's own choice.
 * @typedef {"camera"|"microphone"|"speaker"} Role
 * @typedef {Record<Role, Device>} Choice
 * @typedef {Record<Role, Device[]>} Found
 * @typedef {{stream: MediaStream, missing: {role: "camera"|"microphone", reason: string}[]}} Opened
 *   `reason` is the name of the browser's exception
 */

import { keep, kept } from "./storage.js";

const REMEMBERED = "devices";
const ANY = { id: "", label: "" };
/** @type {Record<string, Role>} */
const ROLES = { videoinput: "camera", audioinput: "microphone", audiooutput: "speaker" };
/** What browsers call the one that the system prefers: it is in the list by its own name, too. */
const ALIASES = new Set(["", "default", "communications"]);
/** What is worth trying again with only one of the two. */
const PARTIAL = new Set(["NotFoundError", "NotReadableError", "AbortError"]);

/** @returns {Choice} */
export function remembered() {
  const nothing = { camera: ANY, microphone: ANY, speaker: ANY };
  try {
    const last = JSON.parse(kept(REMEMBERED) ?? "{}");
    for (const role of Object.values(ROLES)) {
      if (typeof last[role]?.id === "string") nothing[role] = { id: last[role].id, label: String(last[role].label) };
    }
  } catch {
    // Written by something else.
  }
  return nothing;
}

/** @param {Choice} choice */
export function remember(choice) {
  keep(REMEMBERED, JSON.stringify(choice));
}

/** @returns {Promise<Found>} */
export async function devices() {
  return sorted(await navigator.mediaDevices.enumerateDevices());
}

/** @param {Pick<MediaDeviceInfo, "kind"|"deviceId"|"label">[]} all @returns {Found} */
export function sorted(all) {
  /** @type {Found} */
  const found = { camera: [], microphone: [], speaker: [] };
  for (const { kind, deviceId, label } of all) {
    if (!ALIASES.has(deviceId)) found[ROLES[kind]]?.push({ id: deviceId, label });
  }
  return found;
}

/**
 * Return the id to ask for: that of the device itself, or, where browsers give ids anew, of the one
 * with its name; "" leaves it to the browser.
 * @param {Device} wanted @param {Device[]} there
 */
export function resolve({ id, label }, there) {
  if (id === "") return "";
  if (there.some((each) => each.id === id)) return id;
  return there.find((each) => label !== "" && each.label === label)?.id ?? "";
}

/** Return what was plugged in between two looks, and its role. @param {Found} before @param {Found} after */
export function arrivals(before, after) {
  return /** @type {Role[]} */ (Object.keys(after)).flatMap((role) =>
    after[role]
      .filter(({ id }) => !before[role].some((known) => known.id === id))
      .map((device) => ({ role, device })),
  );
}

/**
 * Open the chosen camera and microphone; what is gone is replaced by another, and one of them goes
 * without the other.
 * @param {Choice} choice
 * @returns {Promise<Opened>}
 * @throws {DOMException} If neither can be opened.
 */
export async function open(choice) {
  const there = await devices();
  const video = {
    ...exactly(resolve(choice.camera, there.camera)),
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
  };
  const audio = { ...exactly(resolve(choice.microphone, there.microphone)) };
  try {
    return { stream: await navigator.mediaDevices.getUserMedia({ video, audio }), missing: [] };
  } catch (error) {
    const { name } = /** @type {DOMException} */ (error);
    if (PARTIAL.has(name) || (name === "NotAllowedError" && (await isHalfDenied()))) return await oneOf(video, audio, error);
    throw error;
  }
}

/** @param {MediaTrackConstraints} video @param {MediaTrackConstraints} audio @param {unknown} refused @returns {Promise<Opened>} */
async function oneOf(video, audio, refused) {
  const [seen, heard] = await Promise.allSettled([
    navigator.mediaDevices.getUserMedia({ video }),
    navigator.mediaDevices.getUserMedia({ audio }),
  ]);
  if (seen.status === "fulfilled" && heard.status === "fulfilled") {
    return { stream: new MediaStream([...seen.value.getTracks(), ...heard.value.getTracks()]), missing: [] };
  }
  if (seen.status === "fulfilled") return { stream: seen.value, missing: [{ role: "microphone", reason: reason(heard) }] };
  if (heard.status === "fulfilled") return { stream: heard.value, missing: [{ role: "camera", reason: reason(seen) }] };
  throw refused;
}

/** Whether one of the two is forbidden for good and the other is not: asking for it alone asks nobody twice. */
async function isHalfDenied() {
  const [camera, microphone] = await Promise.all([permission("camera"), permission("microphone")]);
  return (camera === "denied") !== (microphone === "denied");
}

/**
 * Whether the browser has been allowed to use one; null where it does not tell.
 * @param {"camera"|"microphone"} role @returns {Promise<PermissionState|null>}
 */
export async function permission(role) {
  try {
    return (await navigator.permissions.query({ name: /** @type {PermissionName} */ (role) })).state;
  } catch {
    return null;
  }
}

/** @param {PromiseSettledResult<MediaStream>} result */
function reason(result) {
  return result.status === "rejected" ? /** @type {DOMException} */ (result.reason).name : "";
}

/** @param {string} id */
function exactly(id) {
  return id === "" ? {} : { deviceId: { ideal: id } };
}

/**
 * Tell how loud a microphone is, ten times a second, from 0 (−60 dB) to 1; returns how to stop. It
 * hears it also while it is muted.
 * @param {MediaStreamTrack} microphone
 * @param {(level: number) => void} onLevel
 */
export function listen(microphone, onLevel) {
  const ear = microphone.clone();
  ear.enabled = true;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(new MediaStream([ear])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // −60 dB is silence, 0 dB is full scale: loudness as ears hear it.
    const decibels = 10 * Math.log10(power + 1e-12);
    onLevel(Math.min(1, Math.max(0, 1 + decibels / 60)));
  }, 100);
  // A page that was opened anew may not listen before somebody touches it.
  const wake = () => void context.resume();
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
  return () => {
    clearInterval(timer);
    removeEventListener("pointerdown", wake);
    removeEventListener("keydown", wake);
    ear.stop();
    void context.close();
  };
}

/**
 * Play three notes where the teacher would hear the class; resolves when they are over.
 * @param {Device} speaker
 */
export async function playTestSound(speaker) {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  const gain = new GainNode(context, { gain: 0.2 });
  gain.connect(out);
  const begin = context.currentTime + 0.1;
  [523.25, 659.25, 783.99].forEach((frequency, index) => {
    const note = new OscillatorNode(context, { frequency });
    note.connect(gain);
    note.start(begin + 0.25 * index);
    note.stop(begin + 0.25 * (index + 1));
  });
  const audio = new Audio();
  audio.srcObject = out.stream;
  try {
    // Where browsers choose the speaker themselves, they choose it for this, too.
    if (speaker.id !== "" && "setSinkId" in audio) await audio.setSinkId(speaker.id).catch(() => undefined);
    await audio.play();
    await new Promise((done) => setTimeout(done, 1_100));
  } finally {
    audio.srcObject = null;
    void context.close();
  }
}
