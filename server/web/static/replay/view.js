// @ts-check
/**
 * A replay that is open: what is played, the class at that moment, and what there is to find in it.
 *
 * @typedef {ReturnType<typeof opened>} View
 * @typedef {import("./cues.js").Cue} Cue
 */

import { parts } from "../shared/parts.js";
import { pictures } from "../shared/pictures.js";
import { remembered } from "../shared/remembered.js";
import { computed, effect, signal } from "../shared/signals.js";
import { emptyState } from "../shared/state.js";
import { keep, kept } from "../shared/storage.js";
import { t } from "../shared/strings.js";
import { contents } from "./contents.js";
import { cues, current } from "./cues.js";
import { reasons } from "./gaps.js";
import { moments } from "./moments.js";
import { RATES, playing as player } from "./playing.js";

const SAVED_EVERY_MS = 5_000;
/** Not worth asking whether to continue there. */
const NEAR_MS = 15_000;
const AGAIN_MS = 3_000;
/** Volume is remembered in so many steps. */
const STEPS = 20;

const rate = remembered("replay-rate", 1, RATES);
const volume = remembered("replay-volume", 1, Array.from({ length: STEPS }, (_, step) => (step + 1) / STEPS));

/**
 * @param {{replay: any, playback: import("./playing.js").Playback, start: number|null,
 *   api: import("../shared/rest.js").Rest}} options `start`: where the address says to begin
 */
export function opened({ replay, playback, start, api }) {
  const path = `/v1/replays/${replay.id}`;
  const video = document.createElement("video");
  video.playsInline = true;
  video.tabIndex = -1;
  video.setAttribute("aria-label", t("replay.video"));
  video.dataset.testid = "player";
  video.volume = volume.value;
  const playing = player({ playback, video, again: () => api.get(`${path}/playback`) });
  const state = signal(emptyState());
  const isStaff = signal(false);
  const trouble = signal("");
  const chapters = signal(/** @type {Cue[]} */ ([]));
  const transcript = signal(/** @type {Cue[]} */ ([]));
  const language = signal(playback.captions[0] ?? "");
  const why = signal(/** @type {Awaited<ReturnType<typeof reasons>>} */ (new Map()));

  playing.speed(rate.value);
  const chosen = effect(() => {
    rate.value = playing.rate.value;
    // Silence is of the moment: next time it is as loud as it was.
    volume.value = Math.round(playing.sound.value.volume * STEPS) / STEPS || volume.peek();
  });

  const text = async (/** @type {string} */ name) => cues(await (await api.file(`${path}/${name}`)).text());
  text("chapters.vtt").then((found) => (chapters.value = found), () => undefined); // a replay can do without
  reasons({ path, gaps: playback.gaps, api }).then((found) => (why.value = found), () => undefined);
  const said = effect(() => {
    const wanted = language.value;
    if (wanted === "") return;
    text(`captions/${wanted}.vtt`).then((found) => {
      if (language.value === wanted) transcript.value = found;
    }, () => undefined);
  });

  const history = moments({
    replay: replay.id,
    api,
    onState: (next, view) => {
      state.value = next;
      isStaff.value = view === "staff";
    },
  });
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let again;
  const follow = () => {
    clearTimeout(again);
    history.at(playing.t.value).then(
      () => (trouble.value = ""),
      (problem) => {
        trouble.value = problem.message;
        again = setTimeout(follow, AGAIN_MS);
      },
    );
  };
  const followed = effect(follow);

  const place = `replay.${replay.id}`;
  const left = Number(kept(place) ?? 0);
  let savedAt = 0;
  const saved = effect(() => {
    const now = playing.t.value;
    if (Math.abs(now - savedAt) < SAVED_EVERY_MS) return;
    savedAt = now;
    keep(place, String(Math.round(now)));
  });

  if (start !== null) playing.seek(start);
  else if (playback.media.length > 0) playing.seek(0); // so that there is a picture to press on
  const isWorthwhile = start === null && left > NEAR_MS && left < playback.duration_ms - NEAR_MS;
  const pages = pictures({ session: replay.id, api });
  return {
    api, path, replay, playback, video, playing, state, parts: parts(state), isStaff, trouble, chapters, transcript, language, pages, why,
    chapter: computed(() => current(chapters.value, playing.t.value)),
    contents: contents({ path, api }),
    hasCaptions: signal(true),
    continueAt: signal(isWorthwhile ? left : null),
    close() {
      clearTimeout(again);
      for (const end of [chosen, said, followed, saved, playing.close]) end();
    },
  };
}
