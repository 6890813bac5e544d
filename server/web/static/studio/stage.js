// @ts-check
/** What the class sees of the teacher: the preview, and what is sent. */

import { html, useEffect, useRef } from "../shared/html.js";
import { Shown, shownAsset } from "../shared/shown.js";
import { known, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { pen } from "./slides.js";

/** @typedef {import("./broadcast.js").Broadcast} Broadcast @typedef {import("../shared/state.js").State} State */

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
  const { status: sending, message } = camera.peer.value;
  const arrives = sending === "live" && publisher?.live === true;
  return html`<section class="programme" aria-label=${t("stage.title")}>
    <figure class=${`stage ${status === "live" ? "on" : ""}`} data-testid="stage" data-sending=${sending} data-main=${isShowing ? "shown" : "video"} data-picture=${picture === null ? "no" : "yes"}>
      <${Shown} classroom=${classroom} pictures=${pictures} pen=${pen.value} />
      <video ref=${video} autoplay muted playsinline class=${isOn ? "mirrored" : ""} data-testid="preview" aria-label=${isOn ? t("stage.preview") : t("stage.video")}></video>
      ${!isOn &&
      html`<figcaption class=${picture === null && !isShowing ? "cover" : "below"}>
        <p>${invitation(camera, status)}</p>
        <button type="button" class="primary" data-testid="camera-on" disabled=${camera.isOpening.value} onClick=${camera.turnOn}>
          <${Icon} name="video" />${camera.isOpening.value ? t("camera.opening") : t("camera.on")}
        </button>
      </figcaption>`}
      ${isOn && status === "scheduled" && html`<span class="pill corner">${t("status.not_live")}</span>`}
    </figure>
    ${camera.isReplaced.value &&
    html`<div class="banner" role="status" data-testid="replaced">
      <span class="grow">${t("publish.replaced")}</span>
      <button type="button" class="small" onClick=${camera.takeBack}>${t("publish.take_back")}</button>
    </div>`}
    <p class="small muted sent" role="status" data-testid="publishing">
      ${t(`publish.${sending}`, { message })}${arrives ? ` ${t("publish.arrives", { size: `${publisher.width} × ${publisher.height}` })}` : ""}
    </p>
  </section>`;
}

/** What turning the camera on would mean now, or why it failed. @param {Broadcast} camera @param {State["status"]} status */
function invitation(camera, status) {
  const { value: problem } = camera.problem;
  if (problem) return t(known(`camera.${problem}`) ? `camera.${problem}` : "camera.failed");
  if (camera.isElsewhere.value) return t("camera.elsewhere");
  return t(status === "live" ? "camera.explain_live" : "camera.explain");
}
