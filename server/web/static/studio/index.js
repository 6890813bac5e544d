// @ts-check
/** The teacher's studio: am I live, can they hear me, does it reach everyone; and the people. */

import "../shared/words.js";

import { Chat } from "../shared/chat.js";
import { join } from "../shared/classroom.js";
import { html, render } from "../shared/html.js";
import { sessionId, tokenFor } from "../shared/page.js";
import { pictures } from "../shared/pictures.js";
import { Presented, Questions } from "../shared/questions.js";
import { rest } from "../shared/rest.js";
import { effect, signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { FullPage, Goodbye } from "../shared/ui/fullpage.js";
import { ConnectionBanner, Refusals } from "../shared/ui/notices.js";
import { Tabs } from "../shared/ui/tabs.js";
import { Bar } from "./bar.js";
import { broadcast } from "./broadcast.js";
import { director } from "./composer/director.js";
import { Controls } from "./controls.js";
import { Destinations } from "./destinations.js";
import { DeviceCheck } from "./devicecheck.js";
import { Hands } from "./hands.js";
import { People, Waiting } from "./people.js";
import { Polls } from "./polls.js";
import { Scenes } from "./scenes.js";
import { PageControls, Slides } from "./slides.js";
import { Stage } from "./stage.js";

const tab = signal("questions");

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   camera: import("./broadcast.js").Broadcast, directing: import("./composer/director.js").Director,
 *   session: import("../shared/signals.js").Signal<any>,
 *   api: import("../shared/rest.js").Rest, pages: import("../shared/pictures.js").Pictures}} props
 */
function Studio({ classroom, camera, directing, session, api, pages }) {
  const { state, isReady, isStaff, link, presence } = classroom;
  const { status, polls, questions } = state.value;
  if (link.value.status === "over") return html`<${Goodbye} id=${classroom.id} code=${link.value.code} />`;
  if (!isReady.value) {
    return html`<${FullPage} title=${t("joining.title")} text=${t("joining.text")} testid="joining"><${ConnectionBanner} classroom=${classroom} /><//>`;
  }
  if (!isStaff.value) {
    return html`<${FullPage} title=${t("over.not_staff.title")} text=${t("over.not_staff.text")} testid="over-not_staff">
      <a class="button primary" href=${`/sessions/${classroom.id}/room`}>${t("over.to_room")}</a>
    <//>`;
  }
  const isLive = status === "live";
  const isOver = status === "ended" || status === "archived";
  const open = (/** @type {{status: string}[]} */ items) => items.filter((item) => item.status === "open").length;
  return html`
    <${Bar} classroom=${classroom} camera=${camera} session=${session} api=${api} />
    <${ConnectionBanner} classroom=${classroom} />
    <main class="studio">
      <div class="desk">
        <${Stage} classroom=${classroom} camera=${camera} pictures=${pages} />
        <${PageControls} classroom=${classroom} />
        <${Controls} classroom=${classroom} camera=${camera} />
        <${DeviceCheck} camera=${camera} />
        <${Presented} classroom=${classroom} />
        <${Slides} classroom=${classroom} api=${api} isOpen=${!isOver} />
        <${Scenes} classroom=${classroom} camera=${camera} director=${directing} isOpen=${!isOver} />
        <${Destinations} classroom=${classroom} api=${api} />
      </div>
      <aside>
        <div class="stack">
          ${!isOver && html`<${Waiting} classroom=${classroom} />`}
          <${Hands} classroom=${classroom} />
        </div>
        <${Tabs}
          label=${t("panel")}
          selected=${tab.value}
          onSelect=${(/** @type {string} */ id) => (tab.value = id)}
          tabs=${[
            { id: "questions", label: t("questions.title"), count: open(questions), view: () => html`<${Questions} classroom=${classroom} isOpen=${isLive} />` },
            { id: "chat", label: t("chat.title"), view: () => html`<${Chat} classroom=${classroom} />` },
            { id: "polls", label: t("polls.title"), count: open(polls), view: () => html`<${Polls} classroom=${classroom} isOpen=${isLive} />` },
            { id: "people", label: t("people.title"), count: presence.value.count, view: () => html`<${People} classroom=${classroom} isOpen=${!isOver} />` },
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
  const pages = pictures({ session: id, api });
  const title = () => session.value?.title ?? t("session.untitled");
  const camera = broadcast(classroom, { pictures: pages, title });
  const directing = director({ classroom, isOn: camera.isOn, screen: camera.screen });
  // The title can wait, and the class can do without it.
  api.get(`/v1/sessions/${id}`).then((found) => (session.value = found), () => undefined);
  effect(() => {
    document.title = classroom.state.value.status === "live" ? `● ${title()}` : title();
  });
  addEventListener("beforeunload", (event) => {
    if (classroom.state.value.status === "live" && camera.isOn.value) event.preventDefault();
  });
  render(html`<${Studio} classroom=${classroom} camera=${camera} directing=${directing} session=${session} api=${api} pages=${pages} />`, root);
}

start();
