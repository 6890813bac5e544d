// @ts-check
/**
 * The programme's sound: the microphone as it is, and with it what a shared screen plays.
 *
 * Only what has two parts is mixed: a microphone alone keeps the browser's shortest way.
 */

import { signal } from "../../shared/signals.js";

export function mixer() {
  /** What is published; null: there is no sound. */
  const track = signal(/** @type {MediaStreamTrack|null} */ (null));
  /** @type {MediaStreamTrack|null} */
  let microphone = null;
  /** @type {MediaStreamTrack|null} */
  let screen = null;
  /** @type {AudioContext|null} */
  let context = null;

  const mix = () => {
    void context?.close();
    context = null;
    if (screen === null || microphone === null) {
      track.value = microphone ?? screen;
      return;
    }
    const mixing = (context = new AudioContext({ latencyHint: "interactive" }));
    const both = mixing.createMediaStreamDestination();
    for (const each of [microphone, screen]) {
      mixing.createMediaStreamSource(new MediaStream([each])).connect(both);
    }
    track.value = both.stream.getAudioTracks()[0];
  };

  return {
    track,
    /** @param {{microphone?: MediaStreamTrack|null, screen?: MediaStreamTrack|null}} change */
    take(change) {
      if (change.microphone !== undefined) microphone = change.microphone;
      if (change.screen !== undefined) screen = change.screen;
      mix();
    },
  };
}
