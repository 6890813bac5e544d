// @ts-check
/** How the chat works, for staff: who writes, when, and how often. */

import { ReadChat } from "./chatnews.js";
import { html } from "./html.js";
import { duration, t } from "./strings.js";

const SLOW_SECONDS = [0, 5, 10, 30, 60, 300];

/** @param {{classroom: import("./classroom.js").Classroom}} props */
export function ChatSettings({ classroom }) {
  const { chat: settled, status } = classroom.state.value;
  if (status === "ended" || status === "archived") return null;
  const wished = classroom.actions.value.find(({ op, refusal }) => op === "chat.configure" && !refusal);
  const isPending = wished !== undefined;
  /** @type {import("./state.js").Chat} */
  const chat = { ...settled, ...wished?.data };
  const set = (/** @type {Partial<import("./state.js").Chat>} */ change) => classroom.act("chat.configure", change);
  const speeds = [...new Set([...SLOW_SECONDS, chat.slow_mode_s])].sort((a, b) => a - b);
  return html`<details class=${`small ${isPending ? "pending" : ""}`}>
    <summary data-testid="chat-settings">${t("chat.settings")}</summary>
    ${(/** @type {const} */ (["enabled", "staff_only", "before_start"])).map((name) => html`<label class="choice" key=${name}>
      <input type="checkbox" data-testid=${`chat-${name}`} checked=${chat[name]} disabled=${isPending} onChange=${() => set({ [name]: !chat[name] })} />
      ${t(`chat.set.${name}`)}
    </label>`)}
    <label class="choice">${t("chat.set.slow_mode_s")}
      <select class="narrow" data-testid="chat-slow" value=${chat.slow_mode_s} disabled=${isPending} onChange=${(/** @type {any} */ event) => set({ slow_mode_s: Number(event.target.value) })}>
        ${speeds.map((seconds) => html`<option key=${seconds} value=${seconds}>${seconds === 0 ? t("chat.no_slow") : duration(1000 * seconds)}</option>`)}
      </select>
    </label>
    <${ReadChat} />
  </details>`;
}
