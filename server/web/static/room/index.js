// @ts-check
/** The student's room: watch, ask, vote, talk. */

import { Chat } from "../shared/chat.js";
import { join } from "../shared/classroom.js";
import { html, render } from "../shared/html.js";
import { sessionId, tokenFor } from "../shared/page.js";
import { pictures } from "../shared/pictures.js";
import { Presented, Questions } from "../shared/questions.js";
import { rest } from "../shared/rest.js";
import { computed, effect, signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { FullPage, Goodbye } from "../shared/ui/fullpage.js";
import { ConnectionBanner, Refusals } from "../shared/ui/notices.js";
import { Tabs } from "../shared/ui/tabs.js";
import { Hand } from "./hand.js";
import { Lobby } from "./lobby.js";
import { Polls } from "./polls.js";
import { Stage } from "./stage.js";

const tab = signal("chat");

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   session: import("../shared/signals.js").Signal<any>,
 *   pages: import("../shared/pictures.js").Pictures}} props
 */
function Room({ classroom, session, pages }) {
  const { state, isReady, view, link, presence } = classroom;
  const { status, polls, questions } = state.value;
  if (link.value.status === "over") return html`<${Goodbye} id=${classroom.id} code=${link.value.code} />`;
  if (!isReady.value) {
    return html`<${FullPage} title=${t("joining.title")} text=${t("joining.text")} testid="joining"><${ConnectionBanner} classroom=${classroom} /><//>`;
  }
  if (status === "ended" || status === "archived") return html`<${Goodbye} id=${classroom.id} code=${4509} />`;
  if (view.value === "lobby") return html`<${Lobby} classroom=${classroom} />`;
  const isLive = status === "live";
  const open = (/** @type {{status: string}[]} */ items) => items.filter((item) => item.status === "open").length;
  return html`
    <header class="bar">
      <h1 class="grow" dir="auto" data-testid="title">${session.value?.title ?? t("session.untitled")}</h1>
      ${isLive
        ? html`<span class="pill live" data-testid="status">● ${t("status.live")}</span>`
        : html`<span class="pill" data-testid="status">${t("status.scheduled")}</span>`}
      <span class="small muted num" data-testid="online">${t("people.here", { count: presence.value.count })}</span>
    </header>
    <main class="room">
      <div class="stack">
        <${Stage} classroom=${classroom} session=${session} pictures=${pages} />
        <${ConnectionBanner} classroom=${classroom} />
        <${Presented} classroom=${classroom} />
        <div class="row"><${Hand} classroom=${classroom} isOpen=${isLive} /></div>
      </div>
      <aside>
        <${Tabs}
          label=${t("panel")}
          selected=${tab.value}
          onSelect=${(/** @type {string} */ id) => (tab.value = id)}
          tabs=${[
            { id: "chat", label: t("chat.title"), view: () => html`<${Chat} classroom=${classroom} />` },
            { id: "questions", label: t("questions.title"), count: open(questions), view: () => html`<${Questions} classroom=${classroom} isOpen=${isLive} />` },
            { id: "polls", label: t("polls.title"), count: open(polls), view: () => html`<${Polls} classroom=${classroom} />` },
          ]}
        />
      </aside>
    </main>
    <${Refusals} classroom=${classroom} />
  `;
}

function start() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  const id = sessionId();
  const token = tokenFor(id);
  if (token === null) {
    render(html`<${FullPage} title=${t("over.no_token.title")} text=${t("over.no_token.text")} testid="over-no_token" />`, root);
    return;
  }
  const session = signal(/** @type {any} */ (null));
  const api = rest(token);
  const classroom = join({ id, token });
  const isIn = computed(() => classroom.view.value !== null && classroom.view.value !== "lobby");
  effect(() => {
    // The title can wait, and the class can do without it.
    if (isIn.value) api.get(`/v1/sessions/${id}`).then((found) => (session.value = found), () => undefined);
  });
  effect(() => {
    const title = session.value?.title ?? classroom.state.value.title ?? t("session.untitled");
    document.title = classroom.state.value.status === "live" ? `● ${title}` : title;
  });
  // A new poll comes to the front, unless that would take a half-written line away.
  classroom.onEvent(({ type }) => {
    if (type === "poll.opened" && !(document.activeElement instanceof HTMLInputElement)) tab.value = "polls";
  });
  const pages = pictures({ session: id, api });
  render(html`<${Room} classroom=${classroom} session=${session} pages=${pages} />`, root);
}

start();
