// @ts-check
/**
 * What is played: recordings one after the other as one, or no picture and only the time.
 *
 * @typedef {{recording: string, url: string, starts_ms: number, duration_ms: number}} Part
 * @typedef {{duration_ms: number, media: Part[], gaps: {at_ms: number, duration_ms: number}[],
 *   captions: string[]}} Playback
 * @typedef {ReturnType<typeof playing>} Playing
 */

import { play as load } from "../shared/hls.js";
import { signal } from "../shared/signals.js";

const TICK_MS = 250;

/**
 * @param {{playback: Playback, video: HTMLVideoElement, again: () => Promise<Playback>}} options
 *   `again` asks for addresses that are good once more
 */
export function playing({ playback, video, again }) {
  const { duration_ms: duration } = playback;
  let { media } = playback;
  /** Milliseconds of the replay. */
  const t = signal(0);
  const isPlaying = signal(false);
  const isWaiting = signal(false);
  const trouble = signal("");
  const rate = signal(1);
  let part = -1;
  let unload = () => {};
  let isRenewed = false;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  let ticking;

  /** @param {number} index @param {number} from milliseconds in it @param {boolean} isOn */
  async function open(index, from, isOn) {
    unload();
    part = index;
    isWaiting.value = true;
    unload = await load(video, media[index].url, () => void broken(index));
    if (part !== index) return;
    const begin = () => {
      video.currentTime = from / 1000;
      video.playbackRate = rate.value;
      if (isOn) void video.play().catch(() => (isPlaying.value = false)); // the browser wants a gesture
    };
    if (video.readyState >= HTMLMediaElement.HAVE_METADATA) begin();
    else video.addEventListener("loadedmetadata", begin, { once: true });
  }

  /** Addresses end after an hour: ask for new ones, once. @param {number} index */
  async function broken(index) {
    if (index !== part) return;
    if (isRenewed) {
      trouble.value = "broken";
      isWaiting.value = false;
      return;
    }
    isRenewed = true;
    try {
      media = (await again()).media;
      await open(index, t.value - media[index].starts_ms, isPlaying.value);
    } catch (problem) {
      trouble.value = /** @type {Error} */ (problem).message;
    }
  }

  const noted = {
    timeupdate: () => {
      if (part >= 0 && !video.seeking) t.value = media[part].starts_ms + video.currentTime * 1000;
      isRenewed = false;
    },
    play: () => (isPlaying.value = true),
    pause: () => {
      if (!video.ended) isPlaying.value = false;
    },
    waiting: () => (isWaiting.value = true),
    playing: () => ((isWaiting.value = false), (trouble.value = "")),
    canplay: () => (isWaiting.value = false),
    ended: () => {
      if (part + 1 < media.length) void open(part + 1, 0, true);
      else isPlaying.value = false;
    },
  };
  for (const [name, listener] of Object.entries(noted)) video.addEventListener(name, listener);

  /** @param {number} to */
  function seek(to) {
    const wanted = Math.min(Math.max(0, to), duration);
    t.value = wanted;
    if (media.length === 0) return;
    const found = media.findLastIndex(({ starts_ms: starts }) => starts <= wanted);
    const index = Math.max(0, found);
    const from = wanted - media[index].starts_ms;
    if (index === part) video.currentTime = from / 1000;
    else void open(index, from, isPlaying.value);
  }

  function stop() {
    clearInterval(ticking);
    ticking = undefined;
    isPlaying.value = false;
  }

  return {
    t,
    duration,
    isPlaying,
    isWaiting,
    trouble,
    rate,
    hasMedia: media.length > 0,
    seek,

    play() {
      if (media.length > 0) {
        if (part === -1) seek(t.value);
        void video.play().catch(() => (isPlaying.value = false));
        return;
      }
      if (t.value >= duration) t.value = 0;
      isPlaying.value = true;
      ticking ??= setInterval(() => {
        t.value = Math.min(duration, t.value + TICK_MS * rate.value);
        if (t.value >= duration) stop();
      }, TICK_MS);
    },
    pause() {
      if (media.length > 0) video.pause();
      else stop();
    },
    /** @param {number} value */
    speed(value) {
      rate.value = value;
      video.playbackRate = value;
    },
    retry() {
      trouble.value = "";
      isRenewed = false;
      void broken(part);
    },
    close() {
      stop();
      unload();
      for (const [name, listener] of Object.entries(noted)) video.removeEventListener(name, listener);
    },
  };
}
