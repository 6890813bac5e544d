// @ts-check
/** "I am lost": only staff see who, and how many. */

import { html } from "../shared/html.js";
import { effect, signal } from "../shared/signals.js";
import { keepHere, keptHere } from "../shared/storage.js";
import { sessionId } from "../shared/page.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** What was said last in this tab, also before a reload; the class keeps no more than a count. */
const isLost = signal(keptHere(`lost.${sessionId()}`) === "true");
effect(() => keepHere(`lost.${sessionId()}`, String(isLost.value)));

/** @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Follow({ classroom }) {
  const isPending = classroom.isPending(({ op }) => op === "feedback.mark");
  const tell = () => {
    classroom.act("feedback.mark", { kind: isLost.value ? "got_it" : "lost" });
    isLost.value = !isLost.value;
  };
  return html`<button type="button" class=${`control ${isPending ? "pending" : ""}`} data-testid="lost" title=${t("follow.why")} aria-pressed=${isLost.value} disabled=${isPending} onClick=${tell}>
      <${Icon} name="circle-question-mark" /><span class="words">${t("follow.lost")}</span>
    </button>
    <span role="status" class="visually-hidden" data-testid="lost-told">${isLost.value && !isPending ? t("follow.told") : ""}</span>`;
}
