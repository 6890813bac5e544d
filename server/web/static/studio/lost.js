// @ts-check
/** Who says that they are lost, and has not said since that they follow again. */

import { html } from "../shared/html.js";
import { marks } from "../shared/marks.js";
import { computed, effect, signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** So many are named. */
const NAMED = 6;

/** @typedef {{sequence: number, by: string|null, data: {kind: string}}} Mark */

/**
 * Return the last mark of each person, by who they are.
 * @param {Map<string, Mark>} known @param {Mark[]} more in any order
 */
export function latest(known, more) {
  const last = new Map(known);
  for (const mark of more) {
    if (mark.by !== null && mark.sequence > (last.get(mark.by)?.sequence ?? 0)) last.set(mark.by, mark);
  }
  return last;
}

/**
 * The names of those who are here and lost, who said it last first.
 * @param {Map<string, Mark>} last @param {Map<string, {name: string}>} people
 */
export function names(last, people) {
  return [...last]
    .filter(([user, { data }]) => data.kind === "lost" && people.has(user))
    .sort(([, a], [, b]) => b.sequence - a.sequence)
    .map(([user]) => people.get(user)?.name ?? "");
}

/**
 * @param {import("../shared/classroom.js").Classroom} classroom
 * @param {import("../shared/rest.js").Rest} api
 */
export function following(classroom, api) {
  const last = signal(/** @type {Map<string, Mark>} */ (new Map()));
  const take = (/** @type {Mark[]} */ more) => (last.value = latest(last.peek(), more));
  classroom.onEvent((event) => {
    if (event.type === "feedback.marked") take([event]);
  });
  // The state knows how often it was said, not by how many; and a connection that was gone for long
  // comes back without what happened meanwhile.
  const isIn = computed(() => classroom.link.value.status === "live" && classroom.isStaff.value);
  effect(() => {
    if (isIn.value) marks(api, `/v1/sessions/${classroom.id}`).then(take, () => undefined);
  });
  return computed(() => names(last.value, classroom.presence.value.people));
}

/** @param {{names: string[]}} props */
export function Lost({ names }) {
  if (names.length === 0) return null;
  const named = names.slice(0, NAMED).join(", ");
  return html`<p class="row small lost" data-testid="lost-count" title=${named}>
    <${Icon} name="circle-question-mark" /><strong class="num">${t("lost.count", { count: names.length })}</strong>${" "}
    <span class="grow muted" dir="auto">${named}${names.length > NAMED ? ", …" : ""}</span>
  </p>`;
}
