// @ts-check
/** What was said: it follows the player, and a click on a sentence goes there. */

import { html, useLayoutEffect, useRef } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { current } from "./cues.js";

/** Whoever scrolls by themselves is left alone for this long. */
const READING_MS = 5_000;

/** @param {{view: import("./view.js").View}} props */
export function Transcript({ view: { transcript, playing } }) {
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const touchedAt = useRef(0);
  const now = current(transcript.value, playing.t.value);
  useLayoutEffect(() => {
    const line = list.current?.querySelector("[aria-current]");
    const box = list.current?.closest(".tabpanel");
    if (!(line instanceof HTMLElement) || !box || Date.now() - touchedAt.current < READING_MS) return;
    const below = line.getBoundingClientRect().top - box.getBoundingClientRect().top;
    box.scrollBy({ top: below - box.clientHeight / 3 });
  }, [now, transcript.value]);
  const touch = () => void (touchedAt.current = Date.now());
  return html`<ol ref=${list} class="sentences" data-testid="transcript" aria-label=${t("replay.transcript")} onWheel=${touch} onTouchMove=${touch}>
    ${transcript.value.map((cue, index) => html`<li key=${cue.start}>
      <button type="button" class="sentence" data-testid="sentence" aria-current=${index === now ? "true" : undefined} onClick=${() => playing.seek(cue.start)}>
        <span class="num muted small">${duration(cue.start)}</span><span dir="auto">${cue.text}</span>
      </button>
    </li>`)}
  </ol>`;
}
