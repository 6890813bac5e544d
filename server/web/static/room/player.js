// @ts-check
/** The teacher's picture and sound: fetched while the class is on air, heard once the browser lets us. */

import { shownAsset } from "../shared/shown.js";
import { computed, effect, signal } from "../shared/signals.js";
import { watching } from "../shared/watching.js";
import { pictureWanted } from "./choices.js";
import { cameraPart, repeatsPage, showsScreen } from "./inset.js";

const LOOK_MS = 2_000;
/** Further behind than a player keeps by itself, in seconds. */
const BEHIND_S = 20;
const NOTHING = { status: /** @type {const} */ ("idle"), attempt: 0, message: "", way: /** @type {const} */ ("") };

/** @typedef {ReturnType<typeof player>} Player */

/** @param {{classroom: import("../shared/classroom.js").Classroom, chosen: import("./choices.js").Choices}} options */
export function player({ classroom, chosen }) {
  const { parts } = classroom;
  const watched = signal(/** @type {import("../shared/watching.js").Watched} */ (NOTHING));
  const isMuted = signal(true);
  const hasChosen = signal(false);
  const hasBegun = signal(false);
  const isPaused = signal(false);
  const isBehind = signal(false);
  const isOnAir = computed(() => parts.status.value === "live" && parts.publisher.value?.live === true);
  const isPlaying = computed(() => hasBegun.value && isOnAir.value && watched.value.status === "live");
  const asset = computed(() => shownAsset({ assets: parts.assets.value, shown: parts.shown.value }));
  const isShowing = computed(() => asset.value !== undefined);
  const onAir = () => ({ scenes: parts.scenes.value, scene: parts.scene.value });
  const isPageLarge = computed(() => isShowing.value && chosen.isSwapped.value === showsScreen(onAir()));
  /** Where the camera is in the programme, beside a page that is shown. */
  const inset = computed(() => (isShowing.value ? cameraPart(onAir(), asset.value?.asset_type) : null));
  const repeats = computed(() => isShowing.value && repeatsPage(onAir(), asset.value?.asset_type));
  const picture = pictureWanted(chosen, () => isPageLarge.value);
  /** @type {HTMLVideoElement|null} */
  let video = null;
  /** @type {HTMLElement|null} */
  let stage = null;

  const play = () => void video?.play().catch(() => undefined); // the browser wants a gesture: the button stays
  /** @param {boolean} mute */
  const setMuted = (mute) => {
    if (video === null) return;
    video.muted = isMuted.value = mute;
    play();
  };
  const begin = () => {
    hasBegun.value = true;
    isPaused.value = false;
    // Who has touched this page may be heard without being asked.
    if (!hasChosen.value && isMuted.value && navigator.userActivation?.hasBeenActive) setMuted(false);
  };
  const end = () => {
    const { seekable } = /** @type {HTMLVideoElement} */ (video);
    return seekable.length === 0 ? 0 : seekable.end(seekable.length - 1);
  };

  return {
    watched,
    isMuted,
    isOnAir,
    isPlaying,
    isShowing,
    inset,
    /** The programme is nothing but the page that is shown. */
    repeats,
    isPageLarge,
    isPictureWanted: picture.isWanted,
    /** The class could be heard, if somebody touched the page. */
    isBlocked: computed(() => isPlaying.value && isMuted.value && !hasChosen.value),
    /** It stands still, or is far behind the class. */
    isLate: computed(() => isPlaying.value && (isPaused.value || isBehind.value)),

    toggleSound() {
      if (video === null) return;
      hasChosen.value = true;
      setMuted(!isMuted.value);
    },
    jump() {
      if (video === null) return;
      if (watched.value.way === "hls") video.currentTime = Math.max(0, end() - 2);
      isBehind.value = false;
      play();
    },
    // A browser that does not let a page do this has said so by not showing the button.
    large: () => void (document.fullscreenElement ? document.exitFullscreen() : stage?.requestFullscreen?.())?.catch(() => undefined),
    apart: () => void (document.pictureInPictureElement ? document.exitPictureInPicture() : video?.requestPictureInPicture())?.catch(() => undefined),

    /**
     * Play in this element, until what is returned is called.
     * @param {HTMLVideoElement} element @param {HTMLElement} around
     */
    mount(element, around) {
      video = element;
      stage = around;
      const media = watching({
        session: classroom.id,
        token: classroom.token,
        video: element,
        isOnAir: () => isOnAir.value,
        wantsPicture: () => picture.isWanted.value,
        onState: (next) => {
          watched.value = next;
          if (next.status !== "live") return;
          play();
          // Sound that is not let through yet does not say that it plays.
          if (!picture.isWanted.value) begin();
        },
      });
      const follow = effect(() => {
        // Once watching, a teacher who drops out for a moment does not cost everybody a new connection.
        if (isOnAir.value) media.start();
        else if (parts.status.value !== "live") media.stop();
      });
      let isWanted = picture.isWanted.value;
      const choose = effect(() => {
        if (picture.isWanted.value === isWanted) return;
        isWanted = picture.isWanted.value;
        media.choosePicture();
      });
      const ignore = classroom.onEvent(async ({ type, data }) => {
        if (type !== "publisher.lost" || data.reason !== "restarted") return;
        await Promise.resolve(); // what was told together with it
        if (parts.publisher.value?.live === false) media.renew();
      });
      const look = setInterval(() => (isBehind.value = watched.value.way === "hls" && end() - element.currentTime > BEHIND_S), LOOK_MS);
      const paused = () => (isPaused.value = isPlaying.value);
      const leave = () => media.stop();
      element.addEventListener("playing", begin);
      element.addEventListener("pause", paused);
      addEventListener("pagehide", leave);
      return () => {
        for (const undo of [follow, choose, ignore, leave, picture.stop]) undo();
        clearInterval(look);
        video = stage = null;
        element.removeEventListener("playing", begin);
        element.removeEventListener("pause", paused);
        removeEventListener("pagehide", leave);
      };
    },
  };
}

/** Keep the screen of a phone on while the class plays. @param {Player} player */
export function keepAwake({ isPlaying }) {
  /** @type {any} */
  let lock = null;
  const look = async () => {
    const isWanted = isPlaying.value && !document.hidden;
    if (isWanted && (lock === null || lock.released)) {
      lock = await /** @type {any} */ (navigator).wakeLock?.request("screen").catch(() => null) ?? null;
    }
    if (!isPlaying.value && lock !== null) {
      lock.release();
      lock = null;
    }
  };
  document.addEventListener("visibilitychange", look);
  effect(() => void (isPlaying.value, look()));
}
