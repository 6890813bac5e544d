// @ts-check
/** What one person may do, other than their role says. */

import { html } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";

/** What of each a switch gives or takes. @type {Record<string, string[]>} */
const TALKING = {
  chat: ["chat.post"],
  questions: ["question.ask"],
  hands: ["hand.raise"],
};
/** What assistants may beside. @type {Record<string, string[]>} */
const HELPING = {
  order: ["chat.remove", "chat.restore", "chat.pin", "chat.unpin", "chat.configure"],
  door: ["session.lock", "session.unlock", "participant.admit", "participant.deny"],
  people: ["participant.mute", "participant.unmute", "participant.remove", "participant.ban", "participant.unban"],
  answers: ["question.present", "question.answer", "question.dismiss", "question.reopen"],
  polls: ["poll.open", "poll.close", "poll.publish"],
  slides: ["asset.add", "asset.remove", "asset.show", "asset.hide", "board.draw", "board.undo", "board.clear"],
  scenes: ["scene.create", "scene.update", "scene.remove", "scene.switch"],
};

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom, user: string|null,
 *   onClose: () => void}} props
 */
export function Permissions({ classroom, user, onClose }) {
  const { state, presence } = classroom;
  const person = user === null ? undefined : state.value.people[user];
  // Who came long ago may be known by presence alone.
  const here = user === null ? undefined : presence.value.people.get(user);
  const name = person?.name ?? here?.name ?? "";
  const role = here?.role ?? person?.role ?? "student";
  const grants = person?.grants ?? {};
  const isHelper = role !== "student";
  const wished = classroom.actions.value.filter(({ op, data, refusal }) => op === "participant.set_grants" && data.user === user && !refusal);
  return html`<${Dialog} isOpen=${user !== null} title=${t("permissions.title", { name })} onClose=${onClose} testid="permissions-dialog">
    <p class="small muted">${t(isHelper ? "permissions.of_assistant" : "permissions.of_student")}</p>
    ${Object.entries({ ...TALKING, ...(isHelper ? HELPING : {}) }).map(([what, ops]) => {
      const may = ops.every((op) => grants[op] ?? true);
      const isPending = wished.some(({ data }) => ops[0] in data.grants);
      return html`<label key=${what} class=${`choice ${isPending ? "pending" : ""}`}>
        <input
          type="checkbox"
          role="switch"
          data-testid=${`permit-${what}`}
          checked=${may}
          disabled=${isPending}
          onChange=${() => classroom.act("participant.set_grants", { user, grants: Object.fromEntries(ops.map((op) => [op, !may])) })}
        />
        ${t(`permissions.${what}`)}
      </label>`;
    })}
    <div class="row end"><button type="button" onClick=${onClose}>${t("close")}</button></div>
  <//>`;
}
