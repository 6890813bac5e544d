// @ts-check
/** Polls for staff: write, open, watch the votes, close, publish. */

import { html, useState } from "../shared/html.js";
import { Bars, PollStatus, tally } from "../shared/polls.js";
import { t } from "../shared/strings.js";

const MOST_OPTIONS = 10;
const PROMPT_LENGTH = 1000;
const OPTION_LENGTH = 200;

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** @param {{classroom: Classroom, isOpen: boolean}} props */
export function Polls({ classroom, isOpen }) {
  const polls = [...classroom.state.value.polls].reverse();
  return html`<div class="stack">
    <${Compose} classroom=${classroom} isOpen=${isOpen} />
    <ul class="list" data-testid="polls">
      ${polls.map((poll) => html`<li key=${poll.poll} class="stack" data-testid="poll">
        <div class="row"><strong class="grow" dir="auto">${poll.prompt}</strong><${PollStatus} poll=${poll} /></div>
        <${Bars} poll=${poll} votes=${tally(classroom, poll) ?? []} />
        <${Actions} classroom=${classroom} poll=${poll} isOpen=${isOpen} />
      </li>`)}
    </ul>
  </div>`;
}

/** @param {{classroom: Classroom, poll: import("../shared/state.js").Poll, isOpen: boolean}} props */
function Actions({ classroom, poll, isOpen }) {
  const isPending = classroom.isPending(({ data }) => data.poll === poll.poll);
  const act = (/** @type {string} */ op) => classroom.act(op, { poll: poll.poll });
  return html`<div class="row">
    ${poll.status === "open" && html`<button type="button" data-testid="poll-close" disabled=${!isOpen || isPending} onClick=${() => act("poll.close")}>${t("polls.close")}</button>`}
    ${poll.status !== "published" && html`<button type="button" data-testid="poll-publish" disabled=${!isOpen || isPending} onClick=${() => act("poll.publish")}>${t("polls.publish")}</button>`}
  </div>`;
}

const BLANK = { prompt: "", options: ["", ""], multiple: false, anonymous: false, results: "published" };

/** @param {{classroom: Classroom, isOpen: boolean}} props */
function Compose({ classroom, isOpen }) {
  const [draft, setDraft] = useState(BLANK);
  const change = (/** @type {Partial<typeof BLANK>} */ part) => setDraft({ ...draft, ...part });
  const options = draft.options.map((option) => option.trim()).filter((option) => option !== "");
  const isWhole = draft.prompt.trim() !== "" && options.length >= 2;
  /** @param {SubmitEvent} event */
  const open = (event) => {
    event.preventDefault();
    if (!isWhole) return;
    classroom.act("poll.open", { ...draft, prompt: draft.prompt.trim(), options });
    setDraft(BLANK);
    /** @type {HTMLElement} */ (event.target).closest("details")?.removeAttribute("open");
  };
  return html`<details class="card">
    <summary data-testid="poll-compose">${t("polls.compose")}</summary>
    <form class="stack" onSubmit=${open}>
      <input data-testid="poll-prompt" aria-label=${t("polls.prompt")} placeholder=${t("polls.prompt")} maxlength=${PROMPT_LENGTH} value=${draft.prompt} onInput=${(/** @type {any} */ event) => change({ prompt: event.target.value })} />
      ${draft.options.map(
        (option, index) => html`<input
          key=${index}
          data-testid="poll-option"
          aria-label=${t("polls.option", { number: index + 1 })}
          placeholder=${t("polls.option", { number: index + 1 })}
          maxlength=${OPTION_LENGTH}
          value=${option}
          onInput=${(/** @type {any} */ event) => change({ options: draft.options.with(index, event.target.value) })}
        />`,
      )}
      <div class="row">
        <button type="button" class="small" data-testid="poll-add-option" disabled=${draft.options.length >= MOST_OPTIONS} onClick=${() => change({ options: [...draft.options, ""] })}>${t("polls.add_option")}</button>
      </div>
      <label class="choice"><input type="checkbox" data-testid="poll-multiple" checked=${draft.multiple} onChange=${(/** @type {any} */ event) => change({ multiple: event.target.checked })} />${t("polls.multiple")}</label>
      <label class="choice"><input type="checkbox" data-testid="poll-anonymous" checked=${draft.anonymous} onChange=${(/** @type {any} */ event) => change({ anonymous: event.target.checked })} />${t("polls.anonymous")}</label>
      <label class="choice"><input type="checkbox" data-testid="poll-live" checked=${draft.results === "live"} onChange=${(/** @type {any} */ event) => change({ results: event.target.checked ? "live" : "published" })} />${t("polls.live")}</label>
      <button class="primary" data-testid="poll-open" disabled=${!isOpen || !isWhole}>${t("polls.open")}</button>
      ${!isOpen && html`<p class="small muted">${t("polls.when_live")}</p>`}
    </form>
  </details>`;
}
