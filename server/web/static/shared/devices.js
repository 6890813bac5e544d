// @ts-check
/**
 * Camera and microphone: what there is, what was chosen last time, how loud it is.
 *
 * @typedef {{camera: string, microphone: string}} Choice device ids; "" is the browser's own choice.
 */

import { keep, kept } from "./storage.js";

const REMEMBERED = "devices";

/** @returns {Choice} */
export function remembered() {
  const nothing = { camera: "", microphone: "" };
  try {
    return { ...nothing, ...JSON.parse(kept(REMEMBERED) ?? "{}") };
  } catch {
    return nothing; // written by something else
  }
}

/** @param {Choice} choice */
function remember(choice) {
  keep(REMEMBERED, JSON.stringify(choice));
}

/** @returns {Promise<{cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[]}>} */
export async function devices() {
  const all = await navigator.mediaDevices.enumerateDevices();
  return {
    cameras: all.filter(({ kind }) => kind === "videoinput"),
    microphones: all.filter(({ kind }) => kind === "audioinput"),
  };
}

/**
 * Open the chosen camera and microphone; what is gone is replaced by another.
 * @param {Choice} choice
 * @returns {Promise<MediaStream>}
 */
export async function open(choice) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: {
      ...(choice.camera && { deviceId: { ideal: choice.camera } }),
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30, max: 30 },
    },
    audio: { ...(choice.microphone && { deviceId: { ideal: choice.microphone } }) },
  });
  remember(choice);
  return stream;
}

/**
 * Tell how loud the stream is, ten times a second, from 0 to 1; returns how to stop.
 * @param {MediaStream} stream
 * @param {(level: number) => void} onLevel
 */
export function listen(stream, onLevel) {
  if (stream.getAudioTracks().length === 0) return () => undefined;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // −60 dB is silence, 0 dB is full scale: loudness as ears hear it.
    const decibels = 10 * Math.log10(power + 1e-12);
    onLevel(Math.min(1, Math.max(0, 1 + decibels / 60)));
  }, 100);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}
