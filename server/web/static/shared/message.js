// @ts-check
/** One line of the chat: said, taken out of sight, or still on its way. */

import { html } from "./html.js";
import { clock, t } from "./strings.js";
import { Text } from "./text.js";
import { later } from "./ui/later.js";

const Menu = later(() => import("./ui/menu.js"), "Menu");

/**
 * @param {{classroom: import("./classroom.js").Classroom, message: import("./state.js").Message,
 *   about?: import("./chat.js").About}} props
 */
export function Message({ classroom, message, about }) {
  const { message: id, by, name, at, text, to, removed } = message;
  const isMine = by !== null && by === classroom.me.value?.user;
  const isPending = classroom.isPending(({ op, data }) => op !== "chat.post" && data.message === id);
  return html`<li class=${isPending ? "pending" : ""} data-testid=${removed ? "removed-message" : "message"}>
    <div class="row small muted">
      <span class="grow">
        <strong dir="auto">${isMine ? t("chat.me", { name }) : name}</strong>
        ${" "}<time datetime=${at}>${clock(at)}</time>
        ${to === "staff" && html` <span class="pill">${t("chat.to_staff")}</span>`}
      </span>
      <${Actions} classroom=${classroom} message=${message} isMine=${isMine} about=${about} />
    </div>
    ${removed ? html`<p class="small muted tombstone">${t("chat.removed")}</p>` : html`<p dir="auto"><${Text} text=${text} /></p>`}
  </li>`;
}

/**
 * What this person may do with a message: staff keep order, others may take their own back.
 * @param {{classroom: import("./classroom.js").Classroom, message: import("./state.js").Message,
 *   isMine: boolean, about?: import("./chat.js").About}} props
 */
function Actions({ classroom, message: { message, by, name, removed }, isMine, about }) {
  const { isOver, isStaff } = classroom;
  const isPinned = classroom.parts.pinned.value.some((pinned) => pinned.message === message);
  const act = (/** @type {string} */ op) => () => classroom.act(op, { message });
  const actions = isStaff.value
    ? removed
      ? [{ testid: "restore", label: t("chat.restore"), onChoose: act("chat.restore") }]
      : [
          isPinned
            ? { testid: "unpin-message", label: t("chat.unpin"), onChoose: act("chat.unpin") }
            : { testid: "pin", label: t("chat.pin"), onChoose: act("chat.pin") },
          { testid: "remove-message", label: t("chat.remove"), onChoose: act("chat.remove") },
          ...(about?.(by) ?? []),
        ]
    : isMine && !removed
      ? [{ testid: "remove-message", label: t("chat.take_back"), onChoose: act("chat.remove") }]
      : [];
  if (isOver.value || actions.length === 0) return null;
  return html`<${Menu} testid="message-menu" label=${t("chat.actions", { name })} actions=${actions} />`;
}

/**
 * One's own line that the class does not have: on its way, or refused in the server's words.
 * @param {{classroom: import("./classroom.js").Classroom, action: import("./actions.js").Action}} props
 */
export function Unsent({ classroom, action: { key, data, refusal } }) {
  const again = () => (classroom.dismiss(key), classroom.act("chat.post", data));
  return html`<li class=${refusal ? "" : "pending"} data-testid=${refusal ? "unsent" : "pending"}>
    <p dir="auto">${data.text}</p>
    ${refusal
      ? html`<span class="row small">
          <span class="pill bad">${t("chat.unsent")}</span> ${refusal}
          <button class="small" type="button" onClick=${again}>${t("retry")}</button>
          <button class="small quiet" type="button" onClick=${() => classroom.dismiss(key)}>${t("dismiss")}</button>
        </span>`
      : html`<span class="small muted">${classroom.link.value.status === "live" ? t("chat.sending") : t("chat.queued")}</span>`}
  </li>`;
}
