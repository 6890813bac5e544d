// @ts-check
/**
 * Whether somebody may write to the class now, by the rules that the server keeps: so that the
 * page can say why not before anything is written.
 *
 * @typedef {"over"|"muted"|"before"|"off"|"slow"} Reason
 * @typedef {{why: Reason, until: number|null}} Hindrance `until`: when it ends by itself, in
 *   milliseconds since the epoch, where that is known.
 * @typedef {{state: import("./state.js").State, isStaff: boolean, user: string,
 *   mutedUntil: string|null, toStaff: {at: string}[], now: number}} Speaker
 */

/** From this year on, a mute has no end. */
const NEVER = Date.parse("9000-01-01T00:00:00Z");

/** What keeps somebody from writing in the chat. @param {Speaker} speaker @returns {Hindrance|null} */
export function keepsFromChat(speaker) {
  const { state, isStaff } = speaker;
  const { chat, status } = state;
  if (status === "ended" || status === "archived") return { why: "over", until: null };
  if (!isStaff && status === "scheduled" && !chat.before_start) return { why: "before", until: null };
  return muted(speaker) ?? (isStaff ? null : closed(chat) ?? slowed(speaker));
}

/** What keeps somebody from asking a question. @param {Speaker} speaker @returns {Hindrance|null} */
export function keepsFromAsking(speaker) {
  const { status } = speaker.state;
  if (status === "ended" || status === "archived") return { why: "over", until: null };
  if (status === "scheduled") return { why: "before", until: null };
  return muted(speaker);
}

/** What keeps somebody from taking notes. @param {Speaker} speaker @returns {Hindrance|null} */
export function keepsFromNotes({ state: { status } }) {
  if (status === "archived") return { why: "over", until: null };
  return status === "scheduled" ? { why: "before", until: null } : null;
}

/** @param {Speaker} speaker @returns {Hindrance|null} */
function muted({ mutedUntil, now }) {
  if (mutedUntil === null) return null;
  const end = Date.parse(mutedUntil);
  if (end <= now) return null;
  return { why: "muted", until: end < NEVER ? end : null };
}

/** @param {import("./state.js").Chat} chat @returns {Hindrance|null} */
function closed({ enabled }) {
  return enabled ? null : { why: "off", until: null };
}

/** @param {Speaker} speaker @returns {Hindrance|null} */
function slowed({ state, user, toStaff, now }) {
  if (state.chat.slow_mode_s === 0) return null;
  const own = [...state.messages.filter(({ by }) => by === user), ...toStaff];
  const last = Math.max(...own.map(({ at }) => Date.parse(at)), 0);
  const end = last + 1000 * state.chat.slow_mode_s;
  return end > now ? { why: "slow", until: end } : null;
}
