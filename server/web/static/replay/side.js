// @ts-check
/** Beside the player: what was said, written, asked and shown, as it was at the player's time. */

import { html, useLayoutEffect, useRef } from "../shared/html.js";
import { Bars, PollStatus } from "../shared/polls.js";
import { signal } from "../shared/signals.js";
import { clock, t } from "../shared/strings.js";
import { Tabs } from "../shared/ui/tabs.js";
import { Search, wanted } from "./search.js";
import { Pages } from "./pages.js";
import { Transcript } from "./transcript.js";

/** @typedef {import("../shared/state.js").State} State */

const tab = signal("");
/** So close to its end, a list goes on following. */
const AT_END_PX = 60;

/** @param {{view: import("./view.js").View}} props */
export function Side({ view }) {
  const { playback, state } = view;
  const { questions, polls, assets } = state.value;
  const tabs = [
    ...(playback.captions.length > 0 ? [{ id: "transcript", label: t("replay.transcript"), view: () => html`<${Transcript} view=${view} />` }] : []),
    { id: "chat", label: t("chat.title"), view: () => html`<${Said} state=${state.value} />` },
    { id: "questions", label: t("questions.title"), count: questions.length, view: () => html`<${Asked} state=${state.value} />` },
    { id: "polls", label: t("polls.title"), count: polls.length, view: () => html`<${Voted} state=${state.value} />` },
    ...(assets.length > 0 ? [{ id: "pages", label: t("replay.pages"), view: () => html`<${Pages} view=${view} />` }] : []),
  ];
  return html`<aside aria-label=${t("panel")}>
    <${Search} view=${view} />
    ${wanted.value.trim() === "" && html`<${Tabs} label=${t("panel")} selected=${tab.value || tabs[0].id} onSelect=${(/** @type {string} */ id) => (tab.value = id)} tabs=${tabs} />`}
  </aside>`;
}

/** The chat up to now; it follows the class unless one reads further up. @param {{state: State}} props */
export function Said({ state }) {
  const messages = state.messages.filter(({ removed }) => !removed);
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const box = list.current?.closest(".tabpanel");
    if (!box) return undefined;
    const look = () => void (isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX);
    box.addEventListener("scroll", look);
    return () => box.removeEventListener("scroll", look);
  }, []);
  useLayoutEffect(() => {
    const box = list.current?.closest(".tabpanel");
    if (isAtEnd.current) box?.scrollTo({ top: box.scrollHeight });
  }, [messages.at(-1)?.message]);
  return html`${messages.length === 0 && html`<p class="muted">${t("replay.silent")}</p>`}
    <ol ref=${list} class="list said" data-testid="chat">
      ${messages.map(({ message, name, at, text, to }) => html`<li key=${message} data-testid="message">
        <span class="small muted"><strong dir="auto">${name}</strong> <time datetime=${at}>${clock(at)}</time>${to === "staff" && html` <span class="pill">${t("chat.to_staff")}</span>`}</span>
        <p dir="auto">${text}</p>
      </li>`)}
    </ol>`;
}

/** @param {{state: State}} props */
function Asked({ state }) {
  const questions = state.questions.filter(({ status }) => status !== "dismissed");
  return html`${questions.length === 0 && html`<p class="muted">${t("replay.no_questions")}</p>`}
    <ul class="list" data-testid="questions">
      ${questions.map(({ question, name, prompt, answer, status }) => html`<li key=${question}>
        <p dir="auto">${prompt}</p>
        <span class="row small muted"><span class="grow" dir="auto">${name}</span>
          <span class=${`pill ${question === state.presented ? "ok" : ""}`}>${question === state.presented ? t("questions.presented") : t(`replay.question_${status}`)}</span></span>
        ${answer && html`<p class="small answer" dir="auto">${answer}</p>`}
      </li>`)}
    </ul>`;
}

/** Results show from the moment at which the class saw them. @param {{state: State}} props */
function Voted({ state }) {
  return html`${state.polls.length === 0 && html`<p class="muted">${t("replay.no_polls")}</p>`}
    <ul class="list" data-testid="polls">
      ${state.polls.map((poll) => html`<li key=${poll.poll} class="stack" data-testid="poll">
        <div class="row"><strong class="grow" dir="auto">${poll.prompt}</strong><${PollStatus} poll=${poll} /></div>
        ${poll.tally
          ? html`<${Bars} poll=${poll} votes=${poll.tally} />`
          : html`<ul class="choices small">${poll.options.map((option, index) => html`<li key=${index} dir="auto">${option}</li>`)}</ul>`}
      </li>`)}
    </ul>`;
}
