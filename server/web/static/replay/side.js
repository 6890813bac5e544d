// @ts-check
/** Beside the player: what was said, written and asked, as it was at the player's time. */

import { html, useEffect, useRef, useState } from "../shared/html.js";
import { Bars } from "../shared/polls.js";
import { signal } from "../shared/signals.js";
import { clock, duration, t } from "../shared/strings.js";
import { Tabs } from "../shared/ui/tabs.js";
import { current } from "./cues.js";

/** @typedef {import("../shared/state.js").State} State @typedef {import("./cues.js").Cue} Cue */

const tab = signal("");

/**
 * @param {{state: State, playing: import("./playing.js").Playing, transcript: Cue[]}} props
 */
export function Side({ state, playing, transcript }) {
  const tabs = [
    ...(transcript.length > 0 ? [{ id: "transcript", label: t("replay.transcript"), view: () => html`<${Transcript} playing=${playing} transcript=${transcript} />` }] : []),
    { id: "chat", label: t("chat.title"), view: () => html`<${Said} state=${state} />` },
    { id: "questions", label: t("questions.title"), count: state.questions.length, view: () => html`<${Asked} state=${state} />` },
    { id: "polls", label: t("polls.title"), count: state.polls.length, view: () => html`<${Voted} state=${state} />` },
  ];
  return html`<aside><${Tabs} label=${t("panel")} selected=${tab.value || tabs[0].id} onSelect=${(/** @type {string} */ id) => (tab.value = id)} tabs=${tabs} /></aside>`;
}

/** Follows the player; a click on a sentence goes there. @param {{playing: import("./playing.js").Playing, transcript: Cue[]}} props */
function Transcript({ playing, transcript }) {
  const [wanted, setWanted] = useState("");
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const now = current(transcript, playing.t.value);
  const words = wanted.trim().toLocaleLowerCase();
  const found = transcript.filter(({ text }) => text.toLocaleLowerCase().includes(words));
  useEffect(() => {
    const line = list.current?.querySelector("[aria-current]");
    const box = list.current?.closest(".tabpanel");
    if (words !== "" || !(line instanceof HTMLElement) || !box) return;
    box.scrollTo({ top: line.offsetTop - box.clientHeight / 2 });
  }, [now]);
  return html`<div class="stack">
    <input type="search" data-testid="find" aria-label=${t("replay.find")} placeholder=${t("replay.find")} value=${wanted} onInput=${(/** @type {any} */ { target }) => setWanted(target.value)} />
    <p role="status" class="small muted">${words && t("replay.found", { count: found.length })}</p>
    <ol ref=${list} class="sentences" data-testid="transcript">
      ${found.map((cue) => html`<li key=${cue.start}>
        <button type="button" class="sentence" data-testid="sentence" aria-current=${cue === transcript[now] ? "true" : undefined} onClick=${() => playing.seek(cue.start)}>
          <span class="num muted">${duration(cue.start)}</span> <span dir="auto">${cue.text}</span>
        </button>
      </li>`)}
    </ol>
  </div>`;
}

/** @param {{state: State}} props */
export function Said({ state }) {
  const messages = state.messages.filter(({ removed }) => !removed);
  return html`${messages.length === 0 && html`<p class="muted">${t("replay.silent")}</p>`}
    <ol class="list" data-testid="chat">
      ${messages.map(({ message, name, at, text }) => html`<li key=${message} data-testid="message">
        <span class="small muted"><strong dir="auto">${name}</strong> <time datetime=${at}>${clock(at)}</time></span>
        <p dir="auto">${text}</p>
      </li>`)}
    </ol>`;
}

/** @param {{state: State}} props */
function Asked({ state }) {
  return html`${state.questions.length === 0 && html`<p class="muted">${t("replay.no_questions")}</p>`}
    <ul class="list" data-testid="questions">
      ${state.questions.map(({ question, name, prompt, answer, status }) => html`<li key=${question}>
        <p dir="auto">${prompt}</p>
        <span class="small muted"><span dir="auto">${name}</span> · ${question === state.presented ? t("questions.presented") : t(`replay.question_${status}`)}</span>
        ${answer && html`<p class="small" dir="auto">${answer}</p>`}
      </li>`)}
    </ul>`;
}

/** @param {{state: State}} props */
function Voted({ state }) {
  return html`${state.polls.length === 0 && html`<p class="muted">${t("replay.no_polls")}</p>`}
    <ul class="list" data-testid="polls">
      ${state.polls.map((poll) => html`<li key=${poll.poll} class="stack"><strong dir="auto">${poll.prompt}</strong><${Bars} poll=${poll} votes=${poll.tally ?? []} /></li>`)}
    </ul>`;
}
