// @ts-check
/** The panel beside the stage: what is written, asked and voted, and what somebody notes. */

import { Chat } from "../shared/chat.js";
import { html, useEffect, useLayoutEffect } from "../shared/html.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { later } from "../shared/ui/later.js";
import { Tabs } from "../shared/ui/tabs.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

const Notes = later(() => import("./notes.js"), "Notes");
const Questions = later(() => import("../shared/questions.js"), "Questions");
const Polls = later(() => import("./polls.js"), "Polls");
/** @type {Record<string, {soon: () => Promise<void>}>} */
const parts = { questions: Questions, polls: Polls, notes: Notes };

const tab = signal("chat");
/** On a small screen that lies on its side, the panel is a sheet above the stage. */
export const isPanelOpen = signal(false);
/** What others wrote while another tab was in front. */
const unread = signal(0);
/** A poll has opened while somebody wrote: its tab asks for a look. */
const isCalling = signal(false);
/** The poll that opened last, for those who do not see the tab. */
const opened = signal("");

/** @param {string} id */
function select(id) {
  tab.value = id;
  if (id === "chat") unread.value = 0;
  if (id === "polls") isCalling.value = false;
}

/** Bring a tab to the front, and go into it, as soon as it is there. @param {string} id @param {string} field */
export function go(id, field) {
  select(id);
  isPanelOpen.value = true;
  /** @returns {HTMLElement|null|undefined} */
  const target = () => document.getElementById(`panel-${id}`)?.querySelector(`${field}:not(:disabled)`);
  setTimeout(() => {
    if (target()) return target()?.focus();
    const name = document.getElementById(`tab-${id}`);
    name?.focus();
    // Until it is fetched, unless somebody has gone elsewhere by then.
    void parts[id].soon().then(() => setTimeout(() => document.activeElement === name && target()?.focus()));
  });
}

/** @param {{classroom: Classroom, isOpen: boolean}} props */
export function Panel({ classroom, isOpen }) {
  const { polls, questions } = classroom.parts;
  useLayoutEffect(() => classroom.onEvent((event) => heard(classroom, event)), []);
  useEffect(() => Object.values(parts).forEach((part) => void part.soon()), []);
  const open = (/** @type {{status: string}[]} */ items) => items.filter((item) => item.status === "open").length;
  return html`<aside id="panel" tabindex="-1" aria-label=${t("panel")} data-testid="panel" data-open=${isPanelOpen.value}>
    <${Tabs}
      label=${t("panel")}
      selected=${tab.value}
      onSelect=${select}
      tabs=${[
        { id: "chat", label: t("chat.title"), count: unread.value, view: () => html`<${Chat} classroom=${classroom} />` },
        { id: "questions", label: t("questions.title"), count: open(questions.value), view: () => html`<${Questions} classroom=${classroom} isOpen=${isOpen} />` },
        { id: "polls", label: t("polls.title"), count: open(polls.value), isCalling: isCalling.value, view: () => html`<${Polls} classroom=${classroom} />` },
        { id: "notes", label: t("notes.title"), view: () => html`<${Notes} classroom=${classroom} />` },
      ]}
    />
    <p class="visually-hidden" aria-live="polite" data-testid="poll-news">${opened.value && t("polls.opened", { prompt: opened.value })}</p>
  </aside>`;
}

/** @param {Classroom} classroom @param {import("../shared/state.js").LogEvent} event */
function heard({ me, away }, { type, by, data }) {
  if (type === "chat.posted" && tab.value !== "chat" && by !== me.value?.user) unread.value += 1;
  if (type === "poll.closed") opened.value = "";
  if (type !== "poll.opened" || away.isAway.value) return;
  opened.value = data.prompt;
  // A new poll comes to the front, unless that would take a half-written line away.
  if (isWriting()) isCalling.value = true;
  else select("polls");
}

function isWriting() {
  const field = document.activeElement;
  return field instanceof HTMLInputElement && field.type === "text";
}
