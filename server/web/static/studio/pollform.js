// @ts-check
/**
 * Write a poll: from a template, from an earlier one, or from nothing.
 *
 * @typedef {{prompt: string, options: string[], multiple: boolean, anonymous: boolean,
 *   results: "live"|"published", correct: number[]}} Draft `correct`: places in `options`.
 */

import { html, useLayoutEffect, useRef } from "../shared/html.js";
import { PROMPT_LENGTH, SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

const LEAST_OPTIONS = 2;
const MOST_OPTIONS = 8;

/** @type {Draft} */
const BLANK = { prompt: "", options: ["", ""], multiple: false, anonymous: false, results: "published", correct: [] };

/** The prompt, if a template has one, and the answers. @type {() => Record<string, {prompt?: string, options: string[]}>} */
const templates = () => ({
  yes_no: { options: [t("polls.yes"), t("polls.no")] },
  letters: { options: ["A", "B", "C", "D"] },
  understood: { prompt: t("polls.understood"), options: [t("polls.clear"), t("polls.partly"), t("polls.lost")] },
});

/** The same poll, to ask it again. @param {import("../shared/state.js").Poll} poll @returns {Draft} */
export function draftOf({ prompt, options, multiple, anonymous, results, correct }) {
  return { prompt, options: [...options], multiple, anonymous, results, correct: correct ?? [] };
}

/** What a draft says to the class: without the answers that are empty. @param {Draft} draft */
export function posed({ prompt, options, multiple, anonymous, results, correct }) {
  const written = options.map((option, place) => ({ option: option.trim(), place })).filter(({ option }) => option !== "");
  const right = written.flatMap(({ place }, index) => (correct.includes(place) ? [index] : []));
  return {
    prompt: prompt.trim(),
    options: written.map(({ option }) => option),
    multiple, anonymous, results,
    ...(right.length > 0 && { correct: right }),
  };
}

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom, isOpen: boolean,
 *   draft: import("../shared/signals.js").Signal<Draft|null>}} props
 */
export function Compose({ classroom, draft, isOpen }) {
  const now = draft.value;
  if (now === null) {
    return html`<div class="row">
      <button type="button" class="primary" data-testid="poll-compose" onClick=${() => (draft.value = BLANK)}><${Icon} name="pen-line" />${t("polls.compose")}</button>
    </div>`;
  }
  const poll = posed(now);
  const isWhole = poll.prompt !== "" && poll.options.length >= LEAST_OPTIONS;
  const change = (/** @type {Partial<Draft>} */ part) => (draft.value = { ...now, ...part });
  /** @param {SubmitEvent} event */
  const open = (event) => {
    event.preventDefault();
    if (!isWhole || !isOpen) return;
    classroom.act("poll.open", poll);
    draft.value = null;
  };
  const flag = (/** @type {"multiple"|"anonymous"} */ name) => html`<label class="choice">
    <input type="checkbox" data-testid=${`poll-${name}`} checked=${now[name]} onChange=${() => change({ [name]: !now[name] })} />${t(`polls.${name}`)}
  </label>`;
  return html`<form class="card stack" aria-label=${t("polls.compose")} onSubmit=${open}>
    <div class="row" role="group" aria-label=${t("polls.templates")}>
      ${Object.entries(templates()).map(
        ([name, template]) => html`<button key=${name} type="button" class="small" data-testid=${`poll-template-${name}`} onClick=${() => change({ options: template.options, correct: [], prompt: now.prompt || template.prompt || "" })}>${t(`polls.template.${name}`)}</button>`,
      )}
    </div>
    <${Prompt} value=${now.prompt} onChange=${(/** @type {string} */ prompt) => change({ prompt })} />
    <${Options} draft=${now} onChange=${change} />
    ${flag("multiple")}${flag("anonymous")}
    <label class="choice"><input type="checkbox" data-testid="poll-live" checked=${now.results === "live"} onChange=${() => change({ results: now.results === "live" ? "published" : "live" })} />${t("polls.live")}</label>
    <div class="row end">
      <button type="button" onClick=${() => (draft.value = null)}>${t("cancel")}</button>
      <button class="primary" data-testid="poll-open" disabled=${!isOpen || !isWhole}>${t("polls.open")}</button>
    </div>
  </form>`;
}

/** @param {{value: string, onChange: (value: string) => void}} props */
function Prompt({ value, onChange }) {
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  useLayoutEffect(() => field.current?.focus(), []);
  return html`<input ref=${field} dir="auto" data-testid="poll-prompt" aria-label=${t("polls.prompt")} placeholder=${t("polls.prompt")} maxlength=${PROMPT_LENGTH} value=${value} onInput=${(/** @type {any} */ event) => onChange(event.target.value)} />`;
}

/** The answers; each may be marked as right. @param {{draft: Draft, onChange: (part: Partial<Draft>) => void}} props */
function Options({ draft: { options, correct }, onChange }) {
  const mark = (/** @type {number} */ place) =>
    onChange({ correct: correct.includes(place) ? correct.filter((each) => each !== place) : [...correct, place] });
  const remove = (/** @type {number} */ place) =>
    onChange({
      options: options.filter((_, index) => index !== place),
      correct: correct.filter((each) => each !== place).map((each) => (each > place ? each - 1 : each)),
    });
  return html`<fieldset class="stack tight"><legend class="visually-hidden">${t("polls.options")}</legend>
    ${options.map((option, index) => {
      const number = index + 1;
      return html`<div class="row nowrap" key=${index}>
        <input class="grow" dir="auto" data-testid="poll-option" aria-label=${t("polls.option", { number })} placeholder=${t("polls.option", { number })} maxlength=${SHORT_TEXT_LENGTH} value=${option} onInput=${(/** @type {any} */ event) => onChange({ options: options.with(index, event.target.value) })} />
        <button type="button" class="small" data-testid="poll-correct" aria-pressed=${correct.includes(index)} aria-label=${t("polls.mark_correct", { number })} title=${t("polls.mark_correct", { number })} onClick=${() => mark(index)}><${Icon} name="check" /></button>
        <button type="button" class="small quiet" aria-label=${t("polls.remove_option", { number })} title=${t("polls.remove_option", { number })} disabled=${options.length <= LEAST_OPTIONS} onClick=${() => remove(index)}><${Icon} name="x" /></button>
      </div>`;
    })}
    <div class="row"><button type="button" class="small" data-testid="poll-add-option" disabled=${options.length >= MOST_OPTIONS} onClick=${() => onChange({ options: [...options, ""] })}>${t("polls.add_option")}</button></div>
  </fieldset>`;
}
