// @ts-check
/** Polls for staff: open one, watch who answers, close it, show it to the class, use it again. */

import { html } from "../shared/html.js";
import { Bars, PollStatus, tally } from "../shared/polls.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Compose, draftOf } from "./pollform.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom @typedef {import("../shared/state.js").Poll} Poll */

/** What is being written, also while another tab is in front; null: nothing. */
const draft = signal(/** @type {import("./pollform.js").Draft|null} */ (null));

/** @param {{classroom: Classroom, isOpen: boolean}} props */
export function Polls({ classroom, isOpen }) {
  const polls = [...classroom.state.value.polls].reverse();
  return html`<div class="stack">
    ${isOpen || draft.value !== null
      ? html`<${Compose} classroom=${classroom} draft=${draft} isOpen=${isOpen} />`
      : html`<p class="small muted">${t("polls.when_live")}</p>`}
    ${polls.length === 0 && draft.value === null && isOpen && html`<p class="small muted">${t("polls.empty")}</p>`}
    <ul class="list" data-testid="polls">
      ${polls.map((poll) => html`<li key=${poll.poll} class="stack" data-testid="poll">
        <div class="row"><strong class="grow" dir="auto">${poll.prompt}</strong><${PollStatus} poll=${poll} /></div>
        <${Bars} poll=${poll} votes=${tally(classroom, poll) ?? []} />
        <${Answered} classroom=${classroom} poll=${poll} />
        <${Actions} classroom=${classroom} poll=${poll} isOpen=${isOpen} />
      </li>`)}
    </ul>
  </div>`;
}

/** How many of the class have answered, as far as votes tell. @param {{classroom: Classroom, poll: Poll}} props */
function Answered({ classroom, poll }) {
  const votes = (tally(classroom, poll) ?? []).reduce((sum, count) => sum + count, 0);
  const { count, people } = classroom.presence.value;
  const staff = [...people.values()].filter(({ role }) => role !== "student").length;
  const isCounted = poll.status === "open" && !poll.multiple;
  return html`<p class="small muted num" data-testid="poll-answered">
    ${isCounted ? t("polls.answered_of", { votes, students: Math.max(votes, count - staff) }) : t("polls.votes", { count: votes })}
  </p>`;
}

/** @param {{classroom: Classroom, poll: Poll, isOpen: boolean}} props */
function Actions({ classroom, poll, isOpen }) {
  const isPending = classroom.isPending(({ data }) => data.poll === poll.poll);
  const act = (/** @type {string} */ op) => classroom.act(op, { poll: poll.poll });
  if (!isOpen) return null;
  return html`<div class="row">
    ${poll.status === "open" && html`<button type="button" class="small" data-testid="poll-close" disabled=${isPending} onClick=${() => act("poll.close")}>${t("polls.close")}</button>`}
    ${poll.status !== "published" && html`<button type="button" class=${`small ${poll.status === "closed" ? "primary" : ""}`} data-testid="poll-publish" disabled=${isPending} onClick=${() => act("poll.publish")}>${t("polls.publish")}</button>`}
    ${poll.status !== "open" && html`<button type="button" class="small quiet" data-testid="poll-reuse" onClick=${() => (draft.value = draftOf(poll))}>${t("polls.reuse")}</button>`}
  </div>`;
}
