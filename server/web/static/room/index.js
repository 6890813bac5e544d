// @ts-check
/** The student's room: watch, ask, vote, talk. */

import { join } from "../shared/classroom.js";
import { html, render } from "../shared/html.js";
import { Keys } from "../shared/keys.js";
import { sessionId, tokenFor } from "../shared/page.js";
import { pictures } from "../shared/pictures.js";
import { Presented } from "../shared/presented.js";
import { rest } from "../shared/rest.js";
import { computed, effect, signal, useSignal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { FullPage, Goodbye, NoToken } from "../shared/ui/fullpage.js";
import { later } from "../shared/ui/later.js";
import { ConnectionBanner, Refusals } from "../shared/ui/notices.js";
import { choices } from "./choices.js";
import { Controls } from "./controls.js";
import { toggleHand } from "./hand.js";
import { Panel, go, isPanelOpen } from "./panel.js";
import { keepAwake, player as watch } from "./player.js";
import { Stage } from "./stage.js";

const FULL = 4129;

const Before = later(() => import("./before.js"), "Before");
const Lobby = later(() => import("./lobby.js"), "Lobby");
const Full = later(() => import("./full.js"), "Full");
const HomeLink = later(() => import("../shared/ui/homelink.js"), "HomeLink");

/**
 * @typedef {{classroom: import("../shared/classroom.js").Classroom,
 *   session: import("../shared/signals.js").Signal<any>,
 *   player: import("./player.js").Player, chosen: import("./choices.js").Choices,
 *   pages: import("../shared/pictures.js").Pictures}} Props
 */

/** @param {Props} props */
function Page(props) {
  const { parts, isReady, view, link, id } = props.classroom;
  const isFull = useSignal(false);
  const status = parts.status.value;
  if (link.value.status === "over") return html`<${Goodbye} id=${id} code=${link.value.code} />`;
  if (!isReady.value) {
    if (link.value.code === FULL) isFull.value = true; // until there is a place, whatever the next try says
    return isFull.value
      ? html`<${Full} classroom=${props.classroom} />`
      : html`<${FullPage} title=${t("joining.title")} text=${t("joining.text")} testid="joining"><${ConnectionBanner} classroom=${props.classroom} /><//>`;
  }
  if (status === "ended" || status === "archived") return html`<${Goodbye} id=${id} code=${4509} />`;
  if (view.value === "lobby") return html`<${Lobby} classroom=${props.classroom} />`;
  return html`<${Room} ...${props} />`;
}

/** @param {Props} props */
function Room({ classroom, session, player, chosen, pages }) {
  const { parts, presence } = classroom;
  const isLive = parts.status.value === "live";
  return html`
    <a class="skip" href="#class">${t("room.to_class")}</a>
    <a class="skip" href="#panel">${t("room.to_panel")}</a>
    <header class="bar">
      ${classroom.isStaff.value && html`<${HomeLink} isStaff />`}
      <h1 class="grow" dir="auto" data-testid="title">${session.value?.title ?? t("session.untitled")}</h1>
      ${player.isPlaying.value && player.watched.value.way === "hls" && html`<span class="small muted" data-testid="later">${t("room.later")}</span>`}
      ${isLive
        ? html`<span class="pill live" data-testid="status">● ${t("status.live")}</span>`
        : html`<span class="pill" data-testid="status">${t("status.scheduled")}</span>`}
      <span class="small muted num" data-testid="online">${t("people.here", { count: presence.value.count })}</span>
    </header>
    <div class="room">
      <main id="class" tabindex="-1" class="stack">
        ${isLive
          ? html`<${Stage} classroom=${classroom} player=${player} chosen=${chosen} pictures=${pages} />`
          : html`<${Before} classroom=${classroom} session=${session} />`}
        <${ConnectionBanner} classroom=${classroom} />
        <${Controls} classroom=${classroom} player=${player} chosen=${chosen} isOpen=${isLive} isPanelOpen=${isPanelOpen.value} onPanel=${() => (isPanelOpen.value = !isPanelOpen.value)} />
        <${Presented} classroom=${classroom} />
      </main>
      <${Panel} classroom=${classroom} isOpen=${isLive} />
    </div>
    <${Refusals} classroom=${classroom} />
    <${Keys} shortcuts=${[
      { key: "r", label: t("hand.key"), action: () => toggleHand(classroom) },
      { key: "c", label: t("captions.title"), action: () => (chosen.captions.value = !chosen.captions.value) },
      { key: "q", label: t("questions.ask"), action: () => go("questions", "input") },
      { key: "p", label: t("polls.title"), action: () => go("polls", "input") },
      { key: "m", label: t("room.sound"), action: player.toggleSound },
      { key: "f", label: t("room.large"), action: player.large },
    ]} />
  `;
}

function start() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  const id = sessionId();
  const token = tokenFor(id);
  if (token === null) {
    render(html`<${NoToken} />`, root);
    return;
  }
  void import("../shared/focus.js").then(({ keepFocus }) => keepFocus(root));
  const session = signal(/** @type {any} */ (null));
  const api = rest(token);
  const classroom = join({ id, token });
  const chosen = choices();
  const player = watch({ classroom, chosen });
  const isIn = computed(() => classroom.view.value !== null && classroom.view.value !== "lobby");
  effect(() => {
    // The title can wait, and the class can do without it.
    if (isIn.value) api.get(`/v1/sessions/${id}`).then((found) => (session.value = found), () => undefined);
  });
  effect(() => {
    const { parts } = classroom;
    const title = session.value?.title ?? parts.title.value ?? t("session.untitled");
    document.title = parts.status.value === "live" ? `● ${title}` : title;
  });
  keepAwake(player);
  const pages = pictures({ session: id, api, isSparing: () => chosen.saveData.value });
  render(html`<${Page} classroom=${classroom} session=${session} player=${player} chosen=${chosen} pages=${pages} />`, root);
}

start();
