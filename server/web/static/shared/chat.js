// @ts-check
/** The chat: what is pinned, a log, and a line to write. */

import { Composer } from "./composer.js";
import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { TEXT_LENGTH } from "./lengths.js";
import { Message, Unsent } from "./message.js";
import { keepsFromChat } from "./speaking.js";
import { t } from "./strings.js";
import { Text } from "./text.js";
import { Icon } from "./ui/icon.js";
import { later } from "./ui/later.js";

const ChatNews = later(() => import("./chatnews.js"), "ChatNews");
const ChatSettings = later(() => import("./chatsettings.js"), "ChatSettings");
/** So close to its end, the log goes on following. */
const AT_END_PX = 40;
/** So many lines are drawn of a log that is followed, or as many as fit; the others when somebody looks for them. */
const NEAR = 20;
/** No line is lower. */
const LINE_PX = 40;

/**
 * @typedef {(author: string|null) => {testid: string, label: string, onChoose: () => void}[]} About
 *   What may be done about an author.
 */

/** @param {{classroom: import("./classroom.js").Classroom, about?: About}} props */
export function Chat({ classroom, about }) {
  const { actions, parts, isStaff } = classroom;
  const messages = readable(classroom);
  const unsent = actions.value.filter(({ op }) => op === "chat.post");
  const log = useRef(/** @type {HTMLElement|null} */ (null));
  // Who reads further up is not pulled away.
  const [isAtEnd, setAtEnd] = useState(true);
  const newest = messages.at(-1)?.message;
  const fromEnd = useRef(0);
  const fitting = useRef(0);
  const toEnd = () => log.current?.scrollTo({ top: log.current.scrollHeight });
  const look = () => {
    const { scrollTop, scrollHeight, clientHeight } = /** @type {HTMLElement} */ (log.current);
    fromEnd.current = scrollHeight - scrollTop;
    setAtEnd(fromEnd.current - clientHeight < AT_END_PX);
  };
  // Before anything is drawn, or each line would be drawn twice.
  useLayoutEffect(() => {
    if (!isAtEnd) return;
    toEnd();
    fitting.current = Math.ceil(/** @type {HTMLElement} */ (log.current).clientHeight / LINE_PX);
  }, [newest, unsent.length, isAtEnd]);
  useLayoutEffect(() => {
    // What is drawn above does not move what somebody reads.
    if (!isAtEnd) log.current?.scrollTo({ top: log.current.scrollHeight - fromEnd.current });
  }, [isAtEnd]);
  const far = isAtEnd ? Math.max(0, messages.length - Math.max(NEAR, fitting.current)) : 0;

  return html`<div class="chat">
    <${Pins} classroom=${classroom} />
    <div class="said" ref=${log} role="log" aria-live="off" tabindex="0" aria-label=${t("chat.title")} data-testid="chat" onScroll=${look}><ol>
      ${messages.length + unsent.length === 0 && html`<li class="muted">${t("chat.empty")}</li>`}
      ${far > 0 && html`<li key="earlier" class="small muted" data-testid="earlier">${t("chat.earlier", { count: far })}</li>`}
      ${messages.slice(far).map((message) => html`<${Message} key=${message.message} classroom=${classroom} message=${message} about=${about} />`)}
      ${unsent.map((action) => html`<${Unsent} key=${action.key} classroom=${classroom} action=${action} />`)}
    </ol></div>
    <div>
      ${!isAtEnd && html`<button type="button" class="small newest" data-testid="to-newest" onClick=${toEnd}>${t("chat.newest")}</button>`}
      <${Composer}
        classroom=${classroom}
        testid="chat"
        label=${t("chat.write")}
        action=${t("chat.send")}
        maxlength=${TEXT_LENGTH}
        hinders=${keepsFromChat}
        audience=${isStaff.value ? null : parts.chat.value.staff_only ? "staff" : "choice"}
        onSend=${(/** @type {string} */ text, /** @type {boolean} */ toStaff) =>
          classroom.act("chat.post", toStaff ? { text, to: "staff" } : { text })}
      />
      ${isStaff.value && html`<${ChatSettings} classroom=${classroom} />`}
      <${ChatNews} classroom=${classroom} />
    </div>
  </div>`;
}

/** What staff keep in everybody's sight. @param {{classroom: import("./classroom.js").Classroom}} props */
function Pins({ classroom }) {
  const pinned = classroom.parts.pinned.value;
  return html`<ul class="pins" aria-label=${t("chat.pinned")} hidden=${pinned.length === 0}>
    ${pinned.map(
      ({ message, name, text }) => html`<li key=${message} class="row" data-testid="pinned">
        <${Icon} name="pin" />
        <p class="grow small" dir="auto"><strong>${name}</strong> <${Text} text=${text} /></p>
        ${classroom.isStaff.value &&
        html`<button type="button" class="small quiet" data-testid="unpin" onClick=${() => classroom.act("chat.unpin", { message })}>${t("chat.unpin")}</button>`}
      </li>`,
    )}
  </ul>`;
}

/**
 * What this person may read: the view's messages and, of a student, their own to staff.
 * @param {import("./classroom.js").Classroom} classroom
 * @returns {import("./state.js").Message[]}
 */
function readable({ parts, me, mine, isStaff }) {
  const messages = parts.messages.value;
  if (isStaff.value || me.value === null || !mine.value?.to_staff.length) return messages;
  const { user: by, name } = me.value;
  const own = mine.value.to_staff.map((/** @type {any} */ sent) => ({
    ...sent, by, name, to: "staff", reply_to: null, removed: false,
  }));
  return [...messages, ...own].sort((a, b) => a.at.localeCompare(b.at));
}
