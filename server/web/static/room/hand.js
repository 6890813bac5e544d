// @ts-check
/** One's own hand: up or down, and how many are before it. */

import { html, useLayoutEffect } from "../shared/html.js";
import { hinted, keyed } from "../shared/keys.js";
import { useSignal } from "../shared/signals.js";
import { ordinal, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @param {import("../shared/classroom.js").Classroom} classroom */
function own({ parts, me, mine }) {
  const place = parts.hands.value.findIndex(({ user }) => user === me.value?.user);
  return { isUp: place >= 0, position: place >= 0 ? place + 1 : mine.value?.hand_position ?? null };
}

/** Raise one's hand, or lower it. @param {import("../shared/classroom.js").Classroom} classroom */
export function toggleHand(classroom) {
  if (classroom.parts.status.value !== "live" || isMoving(classroom)) return;
  classroom.act(own(classroom).isUp ? "hand.lower" : "hand.raise");
}

/** @param {import("../shared/classroom.js").Classroom} classroom */
function isMoving(classroom) {
  return classroom.isPending(({ op }) => op === "hand.raise" || op === "hand.lower");
}

/** @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Hand({ classroom }) {
  const { isUp, position } = own(classroom);
  const isLowered = useSignal(false);
  useLayoutEffect(
    () =>
      classroom.onEvent(({ type, by, data }) => {
        const me = classroom.me.value?.user;
        if (type === "hand.raised" && data.user === me) isLowered.value = false;
        // Those who lower their own hand know.
        if (type === "hand.lowered" && data.user === me && by !== me) isLowered.value = true;
        if (type === "hand.all_lowered" && own(classroom).isUp) isLowered.value = true;
      }),
    [],
  );
  const isPending = isMoving(classroom);
  const place = isUp && position !== null ? t("hand.position", { position: ordinal(position) }) : "";
  return html`<button
      type="button"
      class=${`control hand ${isPending ? "pending" : ""}`}
      data-testid="hand"
      title=${hinted(isUp ? t("hand.lower") : t("hand.raise"), "r")}
      aria-keyshortcuts=${keyed("r")}
      aria-pressed=${isUp}
      onClick=${() => toggleHand(classroom)}
    ><${Icon} name="hand" />${isUp && position !== null && html`<span class="place" aria-hidden="true">${ordinal(position)}</span>`}<span class="words">${isUp ? place || t("hand.up") : t("hand.raise")}</span></button>
    <span role="status" class="visually-hidden" data-testid="hand-position">${isLowered.value && !isUp ? t("hand.lowered") : place}</span>`;
}
