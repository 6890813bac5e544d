// @ts-check
/** The chat as staff have it: what students may not do just now, and the word taken from authors. */

import { Chat } from "../shared/chat.js";
import { html } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { RANK, inFiveMinutes } from "./person.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** @param {{classroom: Classroom}} props */
export function Talk({ classroom }) {
  return html`<div class="talk">
    <${Mode} classroom=${classroom} />
    <${Chat} classroom=${classroom} about=${(/** @type {string|null} */ author) => muting(classroom, author)} />
  </div>`;
}

/** Nobody should have to look for why students are silent. @param {{classroom: Classroom}} props */
function Mode({ classroom }) {
  const { chat, status } = classroom.state.value;
  const isOver = status === "ended" || status === "archived";
  const mode = isOver ? null : !chat.enabled ? "closed" : chat.staff_only ? "staff_only" : chat.slow_mode_s > 0 ? "slow" : null;
  return html`<p role="status" class="small doubtful" data-testid="chat-mode">${mode && t(`chat.mode.${mode}`, { wait: duration(1000 * chat.slow_mode_s) })}</p>`;
}

/** What takes the word from an author of lower rank. @param {Classroom} classroom @param {string|null} user */
function muting({ state, presence, me, skew, act }, user) {
  if (user === null || me.value === null) return [];
  const role = presence.value.people.get(user)?.role ?? state.value.people[user]?.role;
  if (role === undefined || RANK[role] >= RANK[me.value.role]) return [];
  const mute = (more = {}) => void act("participant.mute", { user, ...more });
  return [
    { testid: "mute-author-briefly", label: t("chat.mute_briefly"), onChoose: () => mute({ until: inFiveMinutes(skew.value) }) },
    { testid: "mute-author", label: t("chat.mute"), onChoose: () => mute() },
  ];
}
