// @ts-check
/** The class is full: it can be watched until there is a place. */

import { html, useEffect, useRef } from "../shared/html.js";
import { useSignal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { FullPage } from "../shared/ui/fullpage.js";
import { watching } from "../shared/watching.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** @param {{classroom: Classroom}} props */
export function Full({ classroom }) {
  const isWatching = useSignal(false);
  return html`<${FullPage} title=${t("over.full.title")} text=${t("over.full.text")} testid="over-full">
    ${isWatching.value
      ? html`<${Stream} classroom=${classroom} />`
      : html`<button type="button" class="primary" data-testid="watch" onClick=${() => (isWatching.value = true)}>${t("over.full.watch")}</button>`}
  <//>`;
}

/** The stream alone, with the browser's own controls. @param {{classroom: Classroom}} props */
function Stream({ classroom }) {
  const video = useRef(/** @type {HTMLVideoElement|null} */ (null));
  useEffect(() => {
    const media = watching({
      session: classroom.id,
      token: classroom.token,
      video: /** @type {HTMLVideoElement} */ (video.current),
      isOnAir: () => true,
      wantsPicture: () => true,
      onState: () => undefined,
    });
    media.start();
    return media.stop;
  }, []);
  return html`<video ref=${video} class="stream" autoplay playsinline controls data-testid="stream" aria-label=${t("stage.video")}></video>`;
}
