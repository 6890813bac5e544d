// @ts-check
/** What is to be seen: the page that is shown and the teacher's picture, and what to say while there is none. */

import { html, useLayoutEffect, useRef } from "../shared/html.js";
import { Shown } from "../shared/shown.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { later } from "../shared/ui/later.js";

const Captions = later(() => import("./captions.js"), "Captions");
const Floating = later(() => import("./reactions.js"), "Floating");

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   player: import("./player.js").Player, chosen: import("./choices.js").Choices,
 *   pictures: import("../shared/pictures.js").Pictures}} props
 */
export function Stage({ classroom, player, chosen, pictures }) {
  const video = useRef(/** @type {HTMLVideoElement|null} */ (null));
  const stage = useRef(/** @type {HTMLElement|null} */ (null));
  useLayoutEffect(() => player.mount(/** @type {HTMLVideoElement} */ (video.current), /** @type {HTMLElement} */ (stage.current)), []);

  const { isPlaying, isShowing, isPageLarge, isPictureWanted, isBlocked, isLate } = player;
  const main = isPageLarge.value ? "shown" : "video";
  const hasPicture = isPlaying.value && isPictureWanted.value;
  const text = hasPicture ? null : isPlaying.value ? t("stage.sound_only") : note(classroom, player.watched.value);
  return html`<figure class="stage" ref=${stage} data-testid="stage" data-playing=${isPlaying.value} data-main=${main} data-picture=${hasPicture ? "yes" : "no"} data-repeats=${player.repeats.value}>
    <${Shown} classroom=${classroom} pictures=${pictures} />
    <video ref=${video} style=${player.inset.value ?? {}} autoplay playsinline muted data-testid="video" aria-label=${t("stage.video")}></video>
    ${text !== null && html`<figcaption class=${main === "video" ? "cover" : "inset"}>
      <p role="status" data-testid="stage-note">${text}</p>
      ${isPlaying.value && !isBlocked.value && chosen.soundOnly.value && main === "video" && html`<button type="button" data-testid="show-picture" onClick=${() => (chosen.soundOnly.value = false)}><${Icon} name="video" />${t("stage.show_picture")}</button>`}
    </figcaption>`}
    ${isBlocked.value && html`<button type="button" class="hear primary" data-testid="unmute" onClick=${player.toggleSound}><${Icon} name="play" />${t("stage.unmute")}</button>`}
    ${isLate.value && html`<button type="button" class="jump" data-testid="jump" onClick=${player.jump}><${Icon} name="fast-forward" />${t("stage.jump")}</button>`}
    ${isShowing.value && html`<button type="button" class="swap" data-testid="swap" onClick=${() => (chosen.isSwapped.value = !chosen.isSwapped.value)}>
      <${Icon} name="picture-in-picture-2" /><span class="words">${t(isPageLarge.value ? "stage.video_large" : "stage.page_large")}</span>
    </button>`}
    <${Floating} classroom=${classroom} />
    ${chosen.captions.value && html`<${Captions} classroom=${classroom} chosen=${chosen} />`}
  </figure>`;
}

/**
 * Why there is no picture, and what happens next.
 * @param {import("../shared/classroom.js").Classroom} classroom @param {import("../shared/watching.js").Watched} watched
 */
function note({ parts, presence }, { status, message }) {
  const publisher = parts.publisher.value;
  if (publisher === null) return t("stage.no_video");
  if (!publisher.live) {
    const name = presence.value.people.get(publisher.user)?.name;
    return name === undefined ? t("stage.dropped") : t("stage.dropped_of", { name });
  }
  if (status === "refused") return t("stage.refused", { message });
  if (status === "reconnecting") return t("stage.reconnecting");
  return t("stage.connecting");
}
