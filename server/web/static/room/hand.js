// @ts-check
/** One's own hand: up or down, and how many are before it. */

import { html } from "../shared/html.js";
import { ordinal, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @param {{classroom: import("../shared/classroom.js").Classroom, isOpen: boolean}} props */
export function Hand({ classroom, isOpen }) {
  const { state, me, mine } = classroom;
  const place = state.value.hands.findIndex(({ user }) => user === me.value?.user);
  const position = place >= 0 ? place + 1 : mine.value?.hand_position ?? null;
  const isUp = place >= 0;
  const isPending = classroom.isPending(({ op }) => op === "hand.raise" || op === "hand.lower");
  return html`<button
      type="button"
      class=${`hand ${isPending ? "pending" : ""}`}
      data-testid="hand"
      aria-pressed=${isUp}
      disabled=${!isOpen || isPending}
      onClick=${() => classroom.act(isUp ? "hand.lower" : "hand.raise")}
    ><${Icon} name="hand" />${isUp ? t("hand.lower") : t("hand.raise")}</button>
    <span role="status" class="small muted" data-testid="hand-position">
      ${isUp && position !== null ? t("hand.position", { position: ordinal(position) }) : ""}
    </span>`;
}
