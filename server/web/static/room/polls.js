// @ts-check
/** Polls for a student: choose, send, change while open, see what was shared. */

import { html, useState } from "../shared/html.js";
import { Bars, PollStatus, tally } from "../shared/polls.js";
import { t } from "../shared/strings.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom @typedef {import("../shared/state.js").Poll} Poll */

/** @param {{classroom: Classroom}} props */
export function Polls({ classroom }) {
  const polls = [...classroom.state.value.polls].reverse();
  if (polls.length === 0) return html`<p class="muted">${t("polls.empty")}</p>`;
  return html`<ul class="list" data-testid="polls">
    ${polls.map((poll) => html`<li key=${poll.poll} class="stack" data-testid="poll">
      <div class="row"><strong class="grow" dir="auto">${poll.prompt}</strong><${PollStatus} poll=${poll} /></div>
      ${poll.status === "open" && html`<${Ballot} classroom=${classroom} poll=${poll} />`}
      <${Outcome} classroom=${classroom} poll=${poll} />
    </li>`)}
  </ul>`;
}

/** @param {{classroom: Classroom, poll: Poll}} props */
function Outcome({ classroom, poll }) {
  const votes = tally(classroom, poll);
  const isShown = votes !== null && (poll.status === "published" || poll.results === "live");
  if (isShown) return html`<${Bars} poll=${poll} votes=${votes} />`;
  return poll.status === "closed" && html`<p class="small muted">${t("polls.unpublished")}</p>`;
}

/** @param {{classroom: Classroom, poll: Poll}} props */
function Ballot({ classroom, poll }) {
  const cast = classroom.mine.value?.votes[poll.poll] ?? null;
  const [chosen, choose] = useState(/** @type {number[]|null} */ (null));
  const marked = chosen ?? cast ?? [];
  const isPending = classroom.isPending(({ op, data }) => op === "poll.vote" && data.poll === poll.poll);
  /** @param {number} index @param {boolean} isOn */
  const mark = (index, isOn) => {
    const others = poll.multiple ? marked.filter((/** @type {number} */ other) => other !== index) : [];
    choose(isOn ? [...others, index].sort((a, b) => a - b) : others);
  };
  /** @param {SubmitEvent} event */
  const vote = (event) => {
    event.preventDefault();
    classroom.act("poll.vote", { poll: poll.poll, choices: marked });
    choose(null);
  };
  return html`<form class=${`stack ${isPending ? "pending" : ""}`} onSubmit=${vote}>
    <fieldset class="options">
      <legend class="visually-hidden">${poll.prompt}</legend>
      ${poll.options.map(
        (option, index) => html`<label class="choice" key=${index}>
          <input
            type=${poll.multiple ? "checkbox" : "radio"}
            name=${poll.poll}
            data-testid="option"
            checked=${marked.includes(index)}
            onChange=${(/** @type {any} */ event) => mark(index, event.target.checked)}
          />
          <span dir="auto">${option}</span>
        </label>`,
      )}
    </fieldset>
    <div class="row">
      <button class="primary" data-testid="vote" disabled=${marked.length === 0 || isPending}>
        ${cast === null ? t("polls.vote") : t("polls.change")}
      </button>
      <span role="status" class="small muted" data-testid="voted">
        ${isPending ? t("polls.sending") : cast !== null ? t("polls.voted", { options: cast.map((/** @type {number} */ index) => poll.options[index]).join(", ") }) : ""}
      </span>
    </div>
  </form>`;
}
