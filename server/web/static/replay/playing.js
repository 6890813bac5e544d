// @ts-check
/**
 * What is played: recordings one after the other as one, or no picture and only the time.
 *
 * `t` is where the player is or is about to be; the video element follows it after a jump, and is
 * followed by it while it plays.
 *
 * @typedef {{recording: string, url: string, starts_ms: number, duration_ms: number}} Part
 * @typedef {{duration_ms: number, media: Part[], gaps: {at_ms: number, duration_ms: number}[],
 *   captions: string[]}} Playback
 * @typedef {ReturnType<typeof playing>} Playing
 */

import { play as load } from "../shared/hls.js";
import { signal } from "../shared/signals.js";

/** How fast a replay can be played. */
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

const TICK_MS = 250;
/** A picture that breaks again within this time of media is broken. */
const GOOD_MS = 10_000;
const nothing = () => {};

/**
 * @param {{playback: Playback, video: HTMLVideoElement, again: () => Promise<Playback>}} options
 *   `again` asks for addresses that are good once more
 */
export function playing({ playback, video, again }) {
  const { duration_ms: duration } = playback;
  let { media } = playback;
  /** Milliseconds of the replay. */
  const t = signal(0);
  /** It is to play, though it may still be loading. */
  const isPlaying = signal(false);
  const isWaiting = signal(false);
  const isBroken = signal(false);
  const hasMedia = signal(media.length > 0);
  const rate = signal(1);
  const sound = signal({ volume: video.volume, isMuted: video.muted });
  /** How far it is loaded, from where it is. */
  const loadedTo = signal(0);

  let part = -1;
  let opened = 0;
  let isOpening = false;
  let unload = nothing;
  let renewedAt = -Infinity;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  let ticking;

  const partAt = (/** @type {number} */ at) => Math.max(0, media.findLastIndex(({ starts_ms: starts }) => starts <= at));
  const start = () => void video.play().catch(() => {
    if (!isOpening) isPlaying.value = false; // the browser wants a gesture
  });

  /** @param {number} index */
  async function open(index) {
    const mine = ++opened;
    unload();
    unload = nothing;
    part = index;
    isOpening = isWaiting.value = true;
    const end = await load(video, media[index].url, () => void broken(mine));
    if (mine === opened) unload = end;
    else end();
  }

  /** Addresses end after an hour: ask for new ones, once. @param {number} mine */
  async function broken(mine) {
    if (mine !== opened) return;
    if (Math.abs(t.value - renewedAt) < GOOD_MS) return fail();
    renewedAt = t.value;
    try {
      ({ media } = await again());
      if (mine === opened) await open(partAt(t.value));
    } catch {
      fail();
    }
  }

  function fail() {
    isBroken.value = true;
    isWaiting.value = isPlaying.value = false;
  }

  const noted = {
    loadedmetadata: () => {
      isOpening = false;
      video.currentTime = (t.value - media[part].starts_ms) / 1000;
      video.playbackRate = rate.value;
      if (isPlaying.value) start();
    },
    timeupdate: () => {
      if (!isOpening && !video.seeking && part >= 0) t.value = Math.min(duration, media[part].starts_ms + video.currentTime * 1000);
    },
    progress: () => {
      const { buffered, currentTime } = video;
      for (let index = 0; index < buffered.length; index += 1) {
        if (buffered.start(index) <= currentTime + 1 && currentTime <= buffered.end(index)) {
          loadedTo.value = media[part].starts_ms + buffered.end(index) * 1000;
        }
      }
    },
    play: () => (isPlaying.value = true),
    pause: () => {
      if (!isOpening && !video.ended) isPlaying.value = false;
    },
    waiting: () => (isWaiting.value = true),
    seeking: () => (isWaiting.value = true),
    seeked: () => (isWaiting.value = false),
    canplay: () => (isWaiting.value = isOpening),
    playing: () => (isWaiting.value = isBroken.value = false),
    volumechange: () => (sound.value = { volume: video.volume, isMuted: video.muted }),
    ended: () => {
      if (part + 1 < media.length) return seek(media[part + 1].starts_ms);
      t.value = duration;
      isPlaying.value = false;
    },
  };
  for (const [name, listener] of Object.entries(noted)) video.addEventListener(name, listener);

  /** @param {number} to */
  function seek(to) {
    t.value = Math.min(Math.max(0, to), duration);
    if (!hasMedia.value) return;
    const index = partAt(t.value);
    if (index !== part) void open(index);
    else if (!isOpening) video.currentTime = (t.value - media[index].starts_ms) / 1000;
  }

  function tick() {
    t.value = Math.min(duration, t.value + TICK_MS * rate.value);
    if (t.value >= duration) stop();
  }

  function stop() {
    clearInterval(ticking);
    ticking = undefined;
    isPlaying.value = false;
  }

  return {
    t, duration, isPlaying, isWaiting, isBroken, hasMedia, rate, sound, loadedTo, seek,

    play() {
      if (t.value >= duration) seek(0);
      isPlaying.value = true;
      if (!hasMedia.value) ticking ??= setInterval(tick, TICK_MS);
      else if (part === -1) void open(partAt(t.value));
      else if (!isOpening) start();
    },
    pause() {
      stop();
      video.pause();
    },
    /** @param {number} value */
    speed(value) {
      rate.value = value;
      video.playbackRate = value;
    },
    /** @param {number} value from 0 to 1 */
    volume(value) {
      video.volume = Math.min(1, Math.max(0, value));
      video.muted = video.volume === 0;
    },
    mute: () => void (video.muted = !video.muted),
    /** Try a broken picture again. */
    retry() {
      isBroken.value = false;
      renewedAt = -Infinity;
      isPlaying.value = true;
      void broken(opened);
    },
    /** Go on with everything but the picture. */
    goWithout() {
      opened += 1;
      unload();
      unload = nothing;
      isBroken.value = hasMedia.value = isWaiting.value = false;
    },
    close() {
      opened += 1;
      stop();
      unload();
      for (const [name, listener] of Object.entries(noted)) video.removeEventListener(name, listener);
    },
  };
}
