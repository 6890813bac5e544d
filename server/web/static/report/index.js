// @ts-check
/** What a class left its teacher: who was there, what is unanswered, how people voted and followed. */

import "../replay/words.js";

import { html, render } from "../shared/html.js";
import { marks } from "../shared/marks.js";
import { sessionId, tokenFor } from "../shared/page.js";
import { rest } from "../shared/rest.js";
import { effect, signal } from "../shared/signals.js";
import { duration, t, when } from "../shared/strings.js";
import { FullPage, NoToken } from "../shared/ui/fullpage.js";
import { HomeLink } from "../shared/ui/homelink.js";
import { Polls, Questions } from "./asked.js";
import { Attendance } from "./attendance.js";
import { followed, peak, presence } from "./figures.js";
import { Follow } from "./follow.js";

/** @typedef {ReturnType<typeof rest>} Rest */

const PAGE = 200;

const report = signal(/** @type {any} */ (null));
const trouble = signal(/** @type {{why: string, text: string}|null} */ (null));

/** @param {Rest} api @param {string} id */
async function load(api, id) {
  trouble.value = null;
  try {
    const base = `/v1/sessions/${id}`;
    const session = await api.get(base);
    if (session.started_at === null) {
      trouble.value = { why: "early", text: "" };
      return;
    }
    const [attendees, questions, polls, feedback] = await Promise.all([
      all(api, `${base}/attendance`), all(api, `${base}/questions`), all(api, `${base}/polls`), marks(api, base),
    ]);
    report.value = { session, attendees, questions, polls, feedback };
  } catch (problem) {
    const { status, message } = /** @type {import("../shared/rest.js").Problem} */ (problem);
    const why = { 401: "expired", 403: "not_staff", 404: "gone" }[status] ?? "failed";
    trouble.value = { why, text: message };
  }
}

/** Every page of a list. @param {Rest} api @param {string} path */
async function all(api, path) {
  const found = [];
  let after = "";
  do {
    const { items, next } = await api.get(`${path}?limit=${PAGE}${after && `&after=${after}`}`);
    found.push(...items);
    after = next ?? "";
  } while (after !== "");
  return found;
}

/** @param {{api: Rest, id: string}} props */
function Report({ api, id }) {
  if (trouble.value !== null) return html`<${Trouble} api=${api} id=${id} />`;
  if (report.value === null) return html`<${FullPage} title=${t("report.title")} text=${t("replay.loading")} testid="report-loading" />`;
  const { session, attendees, questions, polls, feedback } = report.value;
  const start = Date.parse(session.started_at);
  const end = session.ended_at === null ? Date.now() : Date.parse(session.ended_at);
  const length = end - start;
  const steps = presence(attendees, start, end);
  const students = attendees.filter((/** @type {any} */ { role }) => role === "student").length;
  const open = questions.filter((/** @type {any} */ each) => each.status === "open" && each.dismissed_at === null).length;
  const moment = (/** @type {number} */ at) => `/sessions/${id}/replay?at=${Math.round(at)}`;
  const here = { api, id, start, moment };
  return html`<header class="bar">
      <${HomeLink} isStaff=${true} />
      <h1 class="grow" dir="auto" data-testid="title">${session.title}</h1>
      <span class="pill">${t("report.title")}</span>
      ${session.ended_at !== null && html`<a class="button primary" href=${`/sessions/${id}/replay`}>${t("over.replay")}</a>`}
    </header>
    <main class="report">
      <section class="wide" aria-label=${t("report.summary")}>
        <p class="muted">${when(session.started_at)}${session.ended_at === null && html` · <strong>${t("report.so_far")}</strong>`}</p>
        <dl class="tiles" data-testid="tiles">
          ${[
            ["length", duration(length)], ["people", attendees.length], ["peak", peak(steps)],
            ["questions", questions.length], ["open", open], ["polls_held", polls.length],
          ].map(([name, value]) => html`<div key=${name} class="card"><dt>${t(`report.tile_${name}`)}</dt><dd class="num" data-testid=${`tile-${name}`}>${value}</dd></div>`)}
        </dl>
      </section>
      <${Follow} bins=${followed(feedback, start, length)} steps=${steps} length=${length} moment=${moment} />
      <${Questions} questions=${questions} ...${here} />
      <${Polls} polls=${polls} people=${students} ...${here} />
      <div class="wide"><${Attendance} attendees=${attendees} length=${length} api=${api} id=${id} /></div>
    </main>`;
}

/** @param {{api: Rest, id: string}} props */
function Trouble({ api, id }) {
  const { why, text } = /** @type {{why: string, text: string}} */ (trouble.value);
  const [title, words] = {
    expired: [t("over.expired.title"), t("over.expired.text")],
    not_staff: [t("report.not_staff.title"), t("report.not_staff.text")],
    gone: [t("over.not_found.title"), t("over.not_found.text")],
    early: [t("report.early.title"), t("report.early.text")],
  }[why] ?? [t("report.failed"), text];
  return html`<${FullPage} title=${title} text=${words} testid=${`report-${why}`}>
    ${why === "failed" && html`<button type="button" class="primary" onClick=${() => load(api, id)}>${t("retry")}</button>`}
    ${why === "not_staff" && html`<a class="button primary" href=${`/sessions/${id}/replay`}>${t("over.replay")}</a>`}
    ${why === "early" && html`<a class="button primary" href=${`/sessions/${id}/studio`}>${t("report.to_studio")}</a>`}
  <//>`;
}

function start() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  const id = sessionId();
  const token = tokenFor(id);
  if (token === null) {
    render(html`<${NoToken} />`, root);
    return;
  }
  const api = rest(token);
  effect(() => {
    const title = report.value?.session.title;
    document.title = title ? `${title} · ${t("report.title")}` : t("report.title");
  });
  void load(api, id);
  render(html`<${Report} api=${api} id=${id} />`, root);
}

start();
