// @ts-check
/** The recording as one file: asked for, made by the server, fetched when it is there. */

import { html, useEffect } from "../shared/html.js";
import { useSignal } from "../shared/signals.js";
import { duration, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

const LOOK_MS = 1_500;
const MIB = 2 ** 20;

/** @param {{view: import("./view.js").View}} props */
export function Downloads({ view }) {
  const { media } = view.playback;
  return media.map((part, index) => html`<${Download} key=${part.recording} view=${view} part=${part} name=${
    media.length === 1 ? t("replay.download") : t("replay.download_part", { part: index + 1, length: duration(part.duration_ms) })
  } />`);
}

/** @param {{view: import("./view.js").View, part: import("./playing.js").Part, name: string}} props */
function Download({ view: { api, replay }, part, name }) {
  const file = useSignal(/** @type {any} */ (null));
  const trouble = useSignal("");
  const path = `/v1/sessions/${replay.id}/recordings/${part.recording}/download`;
  const isMaking = file.value?.status === "queued" || file.value?.status === "working";
  /** @param {() => Promise<any>} ask */
  const look = async (ask) => {
    trouble.value = "";
    try {
      file.value = await ask();
      if (file.value.status === "failed") trouble.value = file.value.reason ?? t("replay.download_failed");
      if (file.value.status === "ready") save(file.value.url);
    } catch (problem) {
      file.value = null;
      trouble.value = /** @type {Error} */ (problem).message;
    }
  };
  useEffect(() => {
    if (!isMaking) return undefined;
    const timer = setTimeout(() => void look(() => api.get(path)), LOOK_MS);
    return () => clearTimeout(timer);
  }, [file.value]);
  if (isMaking) {
    const { progress } = file.value;
    return html`<span class="row small" role="status" data-testid="download-progress">
      <progress max="100" value=${progress} aria-label=${t("replay.making")}></progress>
      <span class="num">${t("replay.made", { percent: progress })}</span>
    </span>`;
  }
  const size = file.value?.bytes ? t("replay.size", { size: (file.value.bytes / MIB).toFixed(1) }) : "";
  return html`<button type="button" data-testid="download" onClick=${() => look(() => api.post(path, {}))}><${Icon} name="download" />${name} <span class="muted num">${size}</span></button>
    ${trouble.value && html`<span class="small" role="alert">${trouble.value}</span>`}`;
}

/** Let the browser save what is at `url`, as if it had been clicked. @param {string} url */
function save(url) {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}
