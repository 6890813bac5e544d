// @ts-check
/** The teacher's studio: am I live, can they hear me, does it reach everyone; and the people. */

import "../shared/words.js";

import { join } from "../shared/classroom.js";
import { keepFocus } from "../shared/focus.js";
import { html, render } from "../shared/html.js";
import { sessionId, tokenFor } from "../shared/page.js";
import { pictures } from "../shared/pictures.js";
import { Keys } from "../shared/keys.js";
import { Presented } from "../shared/presented.js";
import { rest } from "../shared/rest.js";
import { effect, signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { FullPage, Goodbye, NoToken } from "../shared/ui/fullpage.js";
import { ConnectionBanner, Refusals } from "../shared/ui/notices.js";
import { Tabs } from "../shared/ui/tabs.js";
import { Bar, UplinkTrouble } from "./bar.js";
import { broadcast } from "./broadcast.js";
import { hear } from "./checks.js";
import { director } from "./composer/director.js";
import { Confirm } from "./confirm.js";
import { Controls, HIDE, MUTE } from "./controls.js";
import { Destinations } from "./destinations.js";
import { DeviceCheck } from "./devicecheck.js";
import { Left, hasLeft } from "./endclass.js";
import { Hands } from "./hands.js";
import { history } from "./history.js";
import { Waiting } from "./lobby.js";
import { following } from "./lost.js";
import { People } from "./people.js";
import { Polls } from "./polls.js";
import { Questions } from "./questions.js";
import { Scenes } from "./scenes.js";
import { panel } from "./settings.js";
import { PageControls, Slides } from "./slides.js";
import { Stage } from "./stage.js";
import { Talk } from "./talk.js";
import { ringForHands } from "./tone.js";
import { UNDO, Undo, offerUndo, undoLast } from "./undo.js";
import { keepAwake } from "./wakelock.js";

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   camera: import("./broadcast.js").Broadcast, directing: import("./composer/director.js").Director,
 *   session: import("../shared/signals.js").Signal<any>,
 *   api: import("../shared/rest.js").Rest, pages: import("../shared/pictures.js").Pictures,
 *   past: import("./history.js").History, lost: import("../shared/signals.js").Signal<string[]>}} props
 */
function Studio({ classroom, camera, directing, session, api, pages, past, lost }) {
  const { state, isReady, isStaff, link, presence } = classroom;
  const { status, polls, questions } = state.value;
  if (hasLeft.value) return html`<${Left} />`;
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
  const select = (/** @type {string} */ id) => (panel.value = /** @type {typeof panel.value} */ (id));
  return html`<div class="app">
    <${Bar} classroom=${classroom} camera=${camera} session=${session} api=${api} />
    <div>
      <${ConnectionBanner} classroom=${classroom} />
      <${UplinkTrouble} classroom=${classroom} />
    </div>
    <main class="studio">
      <div class="desk">
        <${Stage} classroom=${classroom} camera=${camera} pictures=${pages} />
        <${PageControls} classroom=${classroom} />
        <${Controls} classroom=${classroom} camera=${camera} />
        <${DeviceCheck} camera=${camera} />
        <${Presented} classroom=${classroom} />
        <${Slides} classroom=${classroom} api=${api} isOpen=${!isOver} />
        <${Scenes} classroom=${classroom} camera=${camera} director=${directing} isOpen=${!isOver} />
      </div>
      <aside>
        <div class="stack">
          ${!isOver && html`<${Waiting} classroom=${classroom} />`}
          <${Hands} classroom=${classroom} lost=${isLive ? lost.value : []} />
        </div>
        <${Tabs}
          label=${t("panel")}
          selected=${panel.value}
          onSelect=${select}
          tabs=${[
            { id: "questions", label: t("questions.title"), count: open(questions), view: () => html`<${Questions} classroom=${classroom} isOpen=${isLive} />` },
            { id: "chat", label: t("chat.title"), view: () => html`<${Talk} classroom=${classroom} />` },
            { id: "polls", label: t("polls.title"), count: open(polls), view: () => html`<${Polls} classroom=${classroom} isOpen=${isLive} />` },
            { id: "people", label: t("people.title"), count: presence.value.count, view: () => html`<${People} classroom=${classroom} isOpen=${!isOver} />` },
          ]}
        />
      </aside>
    </main>
    <${Destinations} classroom=${classroom} api=${api} past=${past} />
    <${Keys} shortcuts=${shortcuts({ classroom, camera, select })} />
    <${Confirm} />
    <${Undo} classroom=${classroom} />
    <${Refusals} classroom=${classroom} />
  </div>`;
}

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   camera: import("./broadcast.js").Broadcast, select: (tab: string) => void}} about
 * @returns {import("../shared/keys.js").Shortcut[]}
 */
function shortcuts({ classroom, camera, select }) {
  const { shown, assets } = classroom.state.value;
  const pages = assets.find(({ asset }) => asset === shown?.asset)?.pages ?? 1;
  const turn = (/** @type {number} */ step) => () => {
    const page = (shown?.page ?? 0) + step;
    if (page >= 1 && page <= pages) classroom.act("asset.show", { asset: shown?.asset, page });
  };
  const show = (/** @type {string} */ tab) => () => (select(tab), document.getElementById(`tab-${tab}`)?.focus());
  return [
    { key: MUTE, label: t("keys.mute"), action: () => camera.isOn.value && camera.mute() },
    { key: HIDE, label: t("keys.camera"), action: () => camera.isOn.value && camera.hide() },
    { key: UNDO, label: t("undo.key"), action: () => undoLast(classroom), yields: true },
    { key: "q", label: t("questions.title"), action: show("questions") },
    { key: "c", label: t("chat.title"), action: show("chat") },
    { key: "p", label: t("polls.title"), action: show("polls") },
    { key: "u", label: t("people.title"), action: show("people") },
    ...(shown === null ? [] : [
      { key: "ArrowLeft", label: t("slides.before"), action: turn(-1) },
      { key: "ArrowRight", label: t("slides.next"), action: turn(1) },
      { key: "PageUp", label: t("slides.clicker_before"), action: turn(-1) }, // what presenters send
      { key: "PageDown", label: t("slides.clicker_next"), action: turn(1) },
    ]),
  ];
}

function start() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  const id = sessionId();
  const token = tokenFor(id);
  if (token === null) {
    render(html`<${NoToken} />`, root);
    return;
  }
  keepFocus(root);
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
    document.title = classroom.state.value.status === "live" ? t("status.title", { title: title() }) : title();
  });
  const past = history(classroom, api);
  const lost = following(classroom, api);
  offerUndo(classroom);
  ringForHands(classroom);
  hear(camera);
  keepAwake(() => classroom.state.value.status === "live" && !hasLeft.value);
  addEventListener("beforeunload", (event) => {
    if (classroom.state.value.status === "live" && camera.isOn.value && !hasLeft.value) event.preventDefault();
  });
  render(html`<${Studio} classroom=${classroom} camera=${camera} directing=${directing} session=${session} api=${api} past=${past} pages=${pages} lost=${lost} />`, root);
}

start();
