// @ts-check
/** What this replay is, a link to this moment, the file to take away, and who may see it. */

import { copied } from "../shared/clipboard.js";
import { html } from "../shared/html.js";
import { useSignal } from "../shared/signals.js";
import { duration, t, when } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Downloads } from "./download.js";

/** @typedef {import("./view.js").View} View */

/** @param {{view: View, onChanged: (replay: any) => void}} props */
export function About({ view, onChanged }) {
  const { replay, playing, playback, isStaff } = view;
  const note = useSignal("");
  const share = async () => {
    const url = new URL(location.pathname, location.origin);
    url.searchParams.set("t", String(Math.floor(playing.t.value / 1000)));
    note.value = (await copied(url.href)) ? t("replay.shared") : url.href;
  };
  return html`<section class="stack" aria-label=${t("replay.about")}>
    <div class="row">
      <span class="small muted">${when(replay.started_at)} · ${duration(Date.parse(replay.ended_at) - Date.parse(replay.started_at))}</span>
      <span class="grow"></span>
      <button type="button" data-testid="share" onClick=${share}><${Icon} name="share-2" />${t("replay.share", { time: duration(playing.t.value) })}</button>
      ${playback.media.length > 0 && html`<${Downloads} view=${view} />`}
    </div>
    <p role="status" class="small muted" data-testid="note">${note}</p>
    ${isStaff.value && replay.status === "published" && html`<${Staff} view=${view} onChanged=${onChanged} />`}
  </section>`;
}

/** What staff decide: whether others see it; of a draft, first of all. @param {{view: View, onChanged: (replay: any) => void}} props */
export function Staff({ view: { api, path, replay }, onChanged }) {
  const trouble = useSignal("");
  const isAsked = useSignal(false);
  const isDraft = replay.status === "draft";
  const turn = async () => {
    isAsked.value = true;
    trouble.value = "";
    try {
      onChanged(await api.post(`${path}/${isDraft ? "publish" : "unpublish"}`, {}));
    } catch (problem) {
      trouble.value = /** @type {Error} */ (problem).message;
    }
    isAsked.value = false;
  };
  return html`<div class="card row small" data-testid="staff">
    <span class=${`pill ${isDraft ? "warn" : "ok"}`} data-testid="publication">${t(`replay.status_${replay.status}`)}</span>
    <span class="grow">${t(`replay.seen_${replay.status}`)}</span>
    <a class="button" href=${`/sessions/${replay.id}/report`}>${t("report.open")}</a>
    <button type="button" class=${isDraft ? "primary" : ""} data-testid="publish" disabled=${isAsked.value} onClick=${turn}>${t(isDraft ? "replay.publish" : "replay.unpublish")}</button>
    ${trouble.value && html`<p role="alert" class="whole">${trouble.value}</p>`}
  </div>`;
}
