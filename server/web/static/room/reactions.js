// @ts-check
/** Reactions: felt by everybody, kept by nobody. */

import { html, useEffect, useRef } from "../shared/html.js";
import { useSignal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

const EMOJI = ["👍", "❤️", "😂", "👏", "🎉", "🤔"];
const FLOATS_MS = 3_000;
/** Of one kind at a time; with more of them nobody sees more. */
const MOST = 5;

/** @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Reactions({ classroom }) {
  return html`<button type="button" class="control" popovertarget="reactions" data-testid="react">
      <${Icon} name="smile" /><span class="words">${t("react.title")}</span>
    </button>
    <div popover id="reactions" class="popover row reactions" aria-label=${t("react.title")}>
      ${EMOJI.map((emoji) => html`<button key=${emoji} type="button" class="quiet" data-testid="reaction" aria-label=${t("react.with", { emoji })} onClick=${() => classroom.signal("reaction", { emoji })}>${emoji}</button>`)}
    </div>`;
}

/** What the class feels just now, rising. @param {{classroom: import("../shared/classroom.js").Classroom}} props */
export function Floating({ classroom }) {
  /** Unknown until the class has told them. @type {Record<string, number>|undefined} */
  const counts = classroom.counters.value.reactions;
  const before = useRef(/** @type {Record<string, number>|null} */ (null));
  const number = useRef(0);
  const rising = useSignal(/** @type {{id: number, emoji: string, until: number}[]} */ ([]));
  useEffect(() => {
    if (counts === undefined) return;
    const now = Date.now();
    const known = before.current ?? counts;
    before.current = counts;
    const risen = Object.entries(counts).flatMap(([emoji, count]) =>
      [...Array(Math.max(0, Math.min(MOST, count - (known[emoji] ?? 0))))].map(() => ({ id: (number.current += 1), emoji, until: now + FLOATS_MS })),
    );
    if (risen.length > 0) rising.value = [...rising.value.filter(({ until }) => until > now), ...risen];
  }, [counts]);
  useEffect(() => {
    if (rising.value.length === 0) return undefined;
    const timer = setTimeout(() => (rising.value = rising.value.filter(({ until }) => until > Date.now())), FLOATS_MS);
    return () => clearTimeout(timer);
  }, [rising.value]);
  return html`<div class="floating" aria-hidden="true" data-testid="floating" data-count=${number.current}>
    ${rising.value.map(({ id, emoji }) => html`<span key=${id} data-lane=${id % MOST}>${emoji}</span>`)}
  </div>`;
}
