// @ts-check
/** The teacher's picture, and what to say while there is none. */

import { html, useEffect, useRef } from "../shared/html.js";
import { Shown, shownAsset } from "../shared/shown.js";
import { computed, effect, useSignal } from "../shared/signals.js";
import { t, when } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { watching } from "../shared/watching.js";

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   session: import("../shared/signals.js").Signal<any>,
 *   pictures: import("../shared/pictures.js").Pictures}} props
 */
export function Stage({ classroom, session, pictures }) {
  const video = useRef(/** @type {HTMLVideoElement|null} */ (null));
  const peer = useSignal(/** @type {import("../shared/peer.js").PeerState} */ ({ status: "idle", attempt: 0, message: "" }));
  const isMuted = useSignal(true);
  const hasPicture = useSignal(false);
  const isSwapped = useSignal(false);
  const { state } = classroom;

  useEffect(() => {
    const element = /** @type {HTMLVideoElement} */ (video.current);
    const isOnAir = computed(() => state.value.status === "live" && state.value.publisher?.live === true);
    const picture = watching({
      session: classroom.id,
      token: classroom.token,
      video: element,
      isOnAir: () => isOnAir.value,
      onState: (next) => (peer.value = next),
    });
    const forget = effect(() => {
      // Once watching, a teacher who drops out for a moment does not cost everybody a new connection.
      if (isOnAir.value) picture.start();
      else if (state.value.status !== "live") picture.stop();
    });
    const ignore = classroom.onEvent(async ({ type, data }) => {
      if (type !== "publisher.lost" || data.reason !== "restarted") return;
      await Promise.resolve(); // what was told together with it
      if (state.value.publisher?.live === false) picture.renew();
    });
    const leave = () => picture.stop();
    addEventListener("pagehide", leave);
    return () => (removeEventListener("pagehide", leave), ignore(), forget(), leave());
  }, []);

  const toggleSound = () => {
    const element = /** @type {HTMLVideoElement} */ (video.current);
    element.muted = !element.muted;
    isMuted.value = element.muted;
    void element.play().catch(() => undefined); // the browser still wants a gesture: the button stays
  };

  const isOnAir = state.value.status === "live" && state.value.publisher?.live === true;
  const isPlaying = hasPicture.value && isOnAir && peer.value.status === "live";
  const isShowing = shownAsset(state.value) !== undefined;
  const main = isShowing && !isSwapped.value ? "shown" : "video";
  return html`<figure class="stage" data-testid="stage" data-playing=${isPlaying} data-main=${main} data-picture=${isPlaying ? "yes" : "no"}>
    <${Shown} classroom=${classroom} pictures=${pictures} />
    <video
      ref=${video}
      autoplay
      playsinline
      muted
      data-testid="video"
      aria-label=${t("stage.video")}
      onPlaying=${() => (hasPicture.value = true)}
    ></video>
    ${!isPlaying && html`<figcaption class=${main === "video" ? "cover" : "inset"}><p role="status" data-testid="stage-note">${note(state.value, peer.value, session.value)}</p></figcaption>`}
    ${isPlaying &&
    html`<button type="button" class=${isMuted.value ? "sound primary" : "sound"} data-testid="unmute" onClick=${toggleSound}>
      <${Icon} name=${isMuted.value ? "volume-x" : "volume-2"} />${isMuted.value ? t("stage.unmute") : t("stage.mute")}
    </button>`}
    ${isShowing &&
    html`<button type="button" class="swap" data-testid="swap" aria-pressed=${isSwapped.value} onClick=${() => (isSwapped.value = !isSwapped.value)}>
      <${Icon} name="picture-in-picture-2" />${t(isSwapped.value ? "stage.page_large" : "stage.video_large")}
    </button>`}
  </figure>`;
}

/** @param {import("../shared/state.js").State} state @param {import("../shared/peer.js").PeerState} peer @param {any} session */
function note(state, peer, session) {
  if (state.status === "scheduled") {
    return session?.scheduled_at ? t("stage.starts", { when: when(session.scheduled_at) }) : t("stage.before");
  }
  if (state.publisher === null) return t("stage.no_video");
  if (!state.publisher.live) return t("stage.dropped");
  if (peer.status === "refused") return t("stage.refused", { message: peer.message });
  if (peer.status === "reconnecting") return t("stage.reconnecting");
  return t("stage.connecting");
}
