// @ts-check
/** One person in the list: role, hand, mute, what they may do other than their role says. */

import { html } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Menu } from "../shared/ui/menu.js";
import { ask } from "./confirm.js";

/** By whose rank people are listed, and nobody acts on an equal or a superior. */
export const RANK = { student: 0, assistant: 1, teacher: 2, admin: 3 };
const SHORT_MUTE_MS = 5 * 60_000;

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** Until when somebody is muted who is muted for five minutes, by the server's time. @param {number} skew */
export function inFiveMinutes(skew) {
  return new Date(Date.now() + skew + SHORT_MUTE_MS).toISOString();
}

/** @param {Classroom} classroom @param {string} user */
export function isPending(classroom, user) {
  return classroom.isPending(({ op, data }) => op.startsWith("participant.") && data.user === user);
}

/**
 * @param {{classroom: Classroom, isOpen: boolean, person: import("../shared/people.js").Here,
 *   hasHand: boolean, onPermit: (user: string) => void}} props
 */
export function Person({ classroom, isOpen, person: { user, name, role, status }, hasHand, onPermit }) {
  const { state, me } = classroom;
  const known = Object.hasOwn(state.value.people, user) ? state.value.people[user] : null;
  const until = known?.muted_until ?? null;
  const isMuted = useNow(classroom, until !== null) < (until === null ? 0 : Date.parse(until));
  const mayAct = isOpen && me.value !== null && RANK[role] < RANK[me.value.role];
  const differs = Object.keys(known?.grants ?? {}).length > 0;
  return html`<li class=${`row ${isPending(classroom, user) ? "pending" : ""}`} data-testid="person">
    <span class="grow" dir="auto">${user === me.value?.user ? t("chat.me", { name }) : name}</span>
    ${hasHand && html`<span title=${t("people.hand")}><${Icon} name="hand" /><span class="visually-hidden">${t("people.hand")}</span></span>`}
    ${status === "dropped" && html`<span class="pill warn">${t("people.dropped")}</span>`}
    ${isMuted && html`<span class="pill warn" data-testid="muted">${t("people.muted")}</span>`}
    ${differs && html`<span class="pill" data-testid="granted">${t("people.differs")}</span>`}
    ${role !== "student" && html`<span class="pill" data-testid="role">${t(`role.${role}`)}</span>`}
    ${mayAct && html`<${Menu} testid="person-menu" label=${t("people.actions", { name })} actions=${actions({ classroom, user, name, role, isMuted, hasHand, onPermit })} />`}
  </li>`;
}

/**
 * @param {{classroom: Classroom, user: string, name: string, role: keyof typeof RANK,
 *   isMuted: boolean, hasHand: boolean, onPermit: (user: string) => void}} about
 */
function actions({ classroom, user, name, role, isMuted, hasHand, onPermit }) {
  const mine = classroom.me.value?.role;
  const act = (/** @type {string} */ op, more = {}) => classroom.act(op, { user, ...more });
  const item = (/** @type {string} */ testid, /** @type {string} */ label, /** @type {() => void} */ onChoose) => ({ testid, label, onChoose });
  const sure = (/** @type {string} */ op, /** @type {string} */ label, /** @type {string} */ text) => () =>
    ask({ title: t(`${text}_title`, { name }), text: t(text, { name }), action: t(label), onYes: () => act(op) });
  return [
    ...(hasHand ? [item("lower-person", t("hand.lower"), () => act("hand.lower"))] : []),
    ...(isMuted
      ? [item("unmute-person", t("people.unmute"), () => act("participant.unmute"))]
      : [
          item("mute-briefly", t("people.mute_briefly"), () => act("participant.mute", { until: inFiveMinutes(classroom.skew.value) })),
          item("mute-person", t("people.mute"), () => act("participant.mute")),
        ]),
    item("permissions", t("people.permissions"), () => onPermit(user)),
    ...(mine === "teacher" || mine === "admin"
      ? /** @type {const} */ (["student", "assistant", "teacher"])
          .filter((given) => given !== role)
          .map((given) => item(`make-${given}`, t(`people.make_${given}`), () => act("participant.set_role", { role: given })))
      : []),
    item("remove", t("people.remove"), sure("participant.remove", "people.remove", "people.confirm_remove")),
    item("ban", t("people.ban"), sure("participant.ban", "people.ban", "people.confirm_ban")),
  ];
}
