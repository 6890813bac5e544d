// @ts-check
/** What is being said, in words: the last lines, as large and where somebody wants them. */

import { html, useEffect } from "../shared/html.js";
import { useSignal } from "../shared/signals.js";
import { t } from "../shared/strings.js";

const LINES = 2;
/** A line stays for so long after it came. */
const STAYS_MS = 12_000;

/** @param {{classroom: import("../shared/classroom.js").Classroom, chosen: import("./choices.js").Choices}} props */
export function Captions({ classroom, chosen }) {
  const captions = classroom.parts.captions.value;
  const isFresh = useSignal(captions.length > 0);
  const newest = captions.at(-1);
  useEffect(() => {
    isFresh.value = newest !== undefined;
    const timer = setTimeout(() => (isFresh.value = false), STAYS_MS);
    return () => clearTimeout(timer);
  }, [newest]);
  const lines = isFresh.value ? captions.slice(-LINES) : [];
  return html`<div
    class="captions"
    role="region"
    aria-label=${t("captions.title")}
    data-testid="captions"
    data-size=${chosen.captionSize.value}
    data-place=${chosen.captionPlace.value}
  >
    ${lines.map((caption) => html`<p key=${caption.start_ms} lang=${caption.language} dir="auto">${caption.text}</p>`)}
    ${newest === undefined && html`<p>${t("captions.none")}</p>`}
  </div>`;
}
