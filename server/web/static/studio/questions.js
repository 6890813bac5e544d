// @ts-check
/** The questions as staff see them: in tabs, by votes or by time, never moving under the pointer. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Tabs } from "../shared/ui/tabs.js";
import { Question } from "./question.js";
import { order } from "./settings.js";
import { useSteady } from "./steady.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom @typedef {import("../shared/state.js").Question} Asked */

const KINDS = /** @type {const} */ (["open", "answering", "answered", "hidden"]);

/** @param {{classroom: Classroom, isOpen: boolean}} props */
export function Questions({ classroom, isOpen }) {
  const { questions, presented } = classroom.state.value;
  const [kind, choose] = useState("open");
  if (questions.length === 0) return html`<p class="muted" data-testid="questions-empty">${t("questions.empty")}</p>`;
  /** @type {Record<typeof KINDS[number], Asked[]>} */
  const by = {
    open: questions.filter(({ status, question }) => status === "open" && question !== presented),
    answering: questions.filter(({ question }) => question === presented),
    answered: questions.filter(({ status }) => status === "answered").reverse(),
    hidden: questions.filter(({ status }) => status === "dismissed").reverse(),
  };
  return html`<${Tabs}
    isInner
    label=${t("questions.which")}
    selected=${`questions-${kind}`}
    onSelect=${(/** @type {string} */ id) => choose(id.slice("questions-".length))}
    tabs=${KINDS.map((each) => ({
      id: `questions-${each}`,
      label: t(`questions.tab.${each}`),
      count: by[each].length,
      view: () => html`<${List} key=${each} classroom=${classroom} isOpen=${isOpen} kind=${each} questions=${by[each]} />`,
    }))}
  />`;
}

/** @param {{classroom: Classroom, isOpen: boolean, kind: typeof KINDS[number], questions: Asked[]}} props */
function List({ classroom, isOpen, kind, questions }) {
  const votes = (/** @type {Asked} */ { question }) => classroom.counters.value.questions[question] ?? 0;
  const sorted = kind !== "open" ? questions : [...questions].sort((a, b) =>
    (order.value === "votes" ? votes(b) - votes(a) : 0) || a.at.localeCompare(b.at),
  );
  const { ref, shown, more, release } = useSteady(sorted, ({ question }) => question, order.value);
  return html`<div class="stack" ref=${ref}>
    ${kind === "open" &&
    html`<div class="row sorting">
      <label class="choice small">${t("questions.sort")}
        <select class="narrow" data-testid="questions-sort" value=${order.value} onChange=${(/** @type {any} */ event) => (order.value = event.target.value)}>
          <option value="votes">${t("questions.by_votes")}</option>
          <option value="time">${t("questions.by_time")}</option>
        </select>
      </label>
      <span class="grow"></span>
      <span role="status">${more > 0 && html`<button type="button" class="small" data-testid="questions-new" onClick=${release}>${t("questions.new", { count: more })}</button>`}</span>
    </div>`}
    ${questions.length === 0 && html`<p class="small muted">${t(`questions.none.${kind}`)}</p>`}
    <ul class="list" data-testid=${kind === "open" ? "questions" : kind}>
      ${shown.map(
        (asked) => html`<${Question} key=${asked.question} classroom=${classroom} isOpen=${isOpen} kind=${kind} asked=${asked} votes=${votes(asked)} />`,
      )}
    </ul>
  </div>`;
}
