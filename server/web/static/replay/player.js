// @ts-check
/** A replay: the screen, its chapters, what it is, and beside it what was said, asked and shown. */

import { html, useLayoutEffect, useRef } from "../shared/html.js";
import { Presented } from "../shared/presented.js";
import { duration, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { About, Staff } from "./about.js";
import { Screen } from "./screen.js";
import { Side } from "./side.js";

/** @typedef {import("./view.js").View} View */

/** @param {{view: View, onChanged: (replay: any) => void}} props */
export function Player({ view, onChanged }) {
  const { playback, playing, isStaff, trouble, continueAt, why } = view;
  const goOn = () => {
    playing.seek(continueAt.value ?? 0);
    continueAt.value = null;
    playing.play();
  };
  return html`<main class="replay">
    <div class="watch">
      <${Screen} view=${view} />
      <div class="stack below">
        ${continueAt.value !== null &&
        html`<div class="banner" role="status" data-testid="continue">
          <span class="grow">${t("replay.left", { time: duration(continueAt.value) })}</span>
          <button type="button" class="small primary" data-testid="go-on" onClick=${goOn}>${t("replay.continue")}</button>
          <button type="button" class="small quiet" onClick=${() => (continueAt.value = null)}>${t("replay.from_start")}</button>
        </div>`}
        ${trouble.value && html`<p class="banner" role="alert" data-testid="trouble">${t("replay.behind", { reason: trouble.value })}</p>`}
        ${isStaff.value && view.replay.status === "draft" && html`<${Staff} view=${view} onChanged=${onChanged} />`}
        <${Presented} classroom=${view} />
        <${Hands} view=${view} />
        <${Chapters} view=${view} />
        ${playback.gaps.length > 0 &&
        html`<ul class="gaps small" data-testid="gaps">
          ${playback.gaps.map(
            (gap) => html`<li key=${gap.at_ms} data-testid="gap-told"><${Icon} name="triangle-alert" /> <span>${t("replay.gap", { time: duration(gap.at_ms), length: duration(gap.duration_ms) })}${why.value.has(gap.at_ms) && ` ${t(`replay.gap_${why.value.get(gap.at_ms)}`)}`}</span></li>`,
          )}
        </ul>`}
        <${About} view=${view} onChanged=${onChanged} />
      </div>
    </div>
    <${Side} view=${view} />
  </main>`;
}

/** Who had a hand up then. @param {{view: View}} props */
function Hands({ view: { state } }) {
  const { hands } = state.value;
  if (hands.length === 0) return null;
  return html`<p class="row small" data-testid="hands"><${Icon} name="hand" /><span class="visually-hidden">${t("hands.title")}</span>
    ${hands.slice(0, 8).map(({ user, name }) => html`<span key=${user} class="pill" dir="auto">${name}</span>`)}
    ${hands.length > 8 && html`<span class="muted num">+${hands.length - 8}</span>`}
  </p>`;
}

/** A strip of them, the current one in sight. @param {{view: View}} props */
function Chapters({ view: { chapters, chapter, playing } }) {
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const at = chapter.value;
  useLayoutEffect(() => {
    const item = list.current?.children[at];
    if (item instanceof HTMLElement) list.current?.scrollTo({ left: item.offsetLeft - list.current.offsetLeft - 24 });
  }, [at, chapters.value]);
  if (chapters.value.length === 0) return null;
  return html`<nav aria-label=${t("replay.chapters")}><ol ref=${list} class="chapters" data-testid="chapters">
    ${chapters.value.map(({ start, text }, index) => html`<li key=${start}>
      <button type="button" class="small" data-testid="chapter" aria-current=${index === at ? "true" : undefined} onClick=${() => playing.seek(start)}>
        <span class="num muted">${duration(start)}</span><span class="title" dir="auto">${text}</span>
      </button>
    </li>`)}
  </ol></nav>`;
}
