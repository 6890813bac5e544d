// @ts-check
/** A soft tone when a hand goes up, for who looks elsewhere. */

import { hasTone } from "./settings.js";

const SECONDS = 0.5;
const VOLUME = 0.06;
/** Many hands at once are one tone. */
const APART_MS = 2_000;

/** @param {import("../shared/classroom.js").Classroom} classroom */
export function ringForHands(classroom) {
  /** @type {AudioContext|null} */
  let context = null;
  let last = 0;
  classroom.onEvent(({ type }) => {
    if (type !== "hand.raised" || !hasTone.value || Date.now() - last < APART_MS) return;
    last = Date.now();
    context ??= new AudioContext();
    play(context);
  });
}

/** Two notes that swell and fade. @param {AudioContext} context */
function play(context) {
  for (const [pitch, delay] of [[587, 0], [880, 0.12]]) {
    const start = context.currentTime + delay;
    const source = context.createOscillator();
    const volume = context.createGain();
    source.frequency.value = pitch;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(VOLUME, start + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + SECONDS);
    source.connect(volume).connect(context.destination);
    source.start(start);
    source.stop(start + SECONDS);
  }
}
