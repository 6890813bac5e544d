// @ts-check
/** What the class sees: the programme as it is sent, and the page to draw on. */

import { html, useEffect, useRef } from "../shared/html.js";
import { Shown, shownAsset } from "../shared/shown.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { explanation, isChecking } from "./devicecheck.js";
import { pen } from "./slides.js";

/** @typedef {import("./broadcast.js").Broadcast} Broadcast @typedef {import("../shared/state.js").State} State */

/** While a page is shown: it is large, to draw on, or the programme is. */
const isProgrammeLarge = signal(false);

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom, camera: Broadcast,
 *   pictures: import("../shared/pictures.js").Pictures}} props
 */
export function Stage({ classroom, camera, pictures }) {
  const { status, publisher } = classroom.state.value;
  const video = useRef(/** @type {HTMLVideoElement|null} */ (null));
  const picture = camera.picture.value;
  const isOn = camera.isOn.value;
  useEffect(() => {
    if (video.current) video.current.srcObject = picture;
  }, [picture]);
  const isShowing = shownAsset(classroom.state.value) !== undefined;
  const isLarge = !isShowing || (isProgrammeLarge.value && picture !== null);
  const { status: sending, message } = camera.peer.value;
  const arrives = sending === "live" && publisher?.live === true;
  return html`<section class="programme" aria-label=${t("stage.title")}>
    <figure class=${`stage ${status === "live" ? "on" : ""}`} data-testid="stage" data-sending=${sending} data-main=${isLarge ? "video" : "shown"} data-picture=${picture === null ? "no" : "yes"} data-composed=${camera.programme.means.value}>
      <${Shown} classroom=${classroom} pictures=${pictures} pen=${isLarge ? null : pen.value} />
      <video ref=${video} autoplay muted playsinline data-testid="preview" aria-label=${isOn ? t("stage.programme") : t("stage.video")}></video>
      ${!isOn && html`<${Lobby} camera=${camera} status=${status} isSmall=${picture !== null || isShowing} />`}
      ${isOn && status === "scheduled" && html`<span class="pill corner">${t("status.not_live")}</span>`}
      ${isShowing && picture !== null &&
      html`<button type="button" class="swap small" data-testid="swap" aria-pressed=${isLarge} onClick=${() => (isProgrammeLarge.value = !isProgrammeLarge.value)}>
        <${Icon} name="picture-in-picture-2" />${isLarge ? t("stage.page_large") : t("stage.programme_large")}
      </button>`}
    </figure>
    ${camera.isReplaced.value &&
    html`<div class="banner" role="status" data-testid="replaced">
      <span class="grow">${t("publish.replaced")}</span>
      <button type="button" class="small" onClick=${camera.takeBack}>${t("publish.take_back")}</button>
    </div>`}
    <p class="small muted sent" role="status" data-testid="publishing">
      ${t(`publish.${sending}`, { message })}${arrives ? ` ${t("publish.arrives", { size: `${publisher.width} × ${publisher.height}` })}` : ""}
      ${isOn && camera.programme.means.value !== "worker" ? ` ${t("publish.not_composed")}` : ""}
    </p>
  </section>`;
}

/** Before the camera is on: what that would mean, or why it failed. @param {{camera: Broadcast, status: State["status"], isSmall: boolean}} props */
function Lobby({ camera, status, isSmall }) {
  const problem = camera.problem.value;
  const className = isSmall ? "below" : "cover";
  if (status === "ended" || status === "archived") return html`<figcaption class=${className} data-testid="lobby"><p>${t("speaking.over")}</p></figcaption>`;
  const isBefore = status === "scheduled";
  const turnOn = () => {
    isChecking.value = isBefore;
    void camera.turnOn();
  };
  return html`<figcaption class=${className} data-testid="lobby" data-problem=${problem}>
    <p>${invitation(camera, status)}</p>
    <div class="row">
      <button type="button" class="primary" data-testid="camera-on" disabled=${camera.isOpening.value} onClick=${turnOn}>
        <${Icon} name="video" />${camera.isOpening.value ? t("camera.opening") : problem ? t("camera.again") : t(isBefore ? "camera.check" : "camera.on")}
      </button>
      <button type="button" data-testid="slides-only" disabled=${camera.isOpening.value} onClick=${camera.goWithout}><${Icon} name="presentation" />${t("camera.slides_only")}</button>
    </div>
  </figcaption>`;
}

/** @param {Broadcast} camera @param {State["status"]} status */
function invitation(camera, status) {
  const { value: problem } = camera.problem;
  if (problem) return explanation(problem);
  if (camera.permitted.value === "denied") return explanation("NotAllowedError");
  if (camera.isElsewhere.value) return t("camera.elsewhere");
  const meaning = t(status === "live" ? "camera.explain_live" : "camera.explain");
  return camera.permitted.value === "prompt" ? `${meaning} ${t("camera.asks")}` : meaning;
}
