// @ts-check
/** The settings of the school: its name, how long what is kept, and whose pages may show its classes. */

import { html, useState } from "../../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../../shared/lengths.js";
import { t } from "../../shared/strings.js";
import { Dialog } from "../../shared/ui/dialog.js";
import { Confirm } from "../confirm.js";
import { Loaded, Refusal, useAct, useRemote } from "../remote.js";
import { Field } from "./field.js";
import { MOST_ORIGINS, readOrigins } from "./origins.js";

/** @typedef {import("../../shared/rest.js").Rest} Rest */

const TENANT = "/v1/tenant";
const KEPT = ["recordings_days", "chat_days", "sessions_days"];
const MOST_DAYS = 36_500;

/** @param {{api: Rest, onRenamed: () => void}} props */
export function Settings({ api, onRenamed }) {
  const found = useRemote(() => api.get(TENANT), []);
  const change = (/** @type {object} */ some) => api.send("PATCH", TENANT, some);
  return html`<${Loaded} of=${found}>
    ${(/** @type {any} */ school) => html`
      <${Name} ...${{ school, change }} onDone=${onRenamed} />
      <${Retention} ...${{ school, change }} onDone=${found.load} />
      <${Embedding} ...${{ school, change }} />`}
  <//>`;
}

/**
 * A part of the settings, saved by itself.
 * @param {{name: string, text: string, testid: string, isBusy: boolean, isSaved: boolean, onSave: () => void, children?: any}} props
 */
function Part({ name, text, testid, isBusy, isSaved, onSave, children }) {
  return html`<form class="card stack settings" aria-labelledby=${testid} onSubmit=${(/** @type {SubmitEvent} */ event) => (event.preventDefault(), onSave())}>
    <h2 id=${testid}>${name}</h2>
    <p class="small muted">${text}</p>
    ${children}
    <div class="row">
      <button class="primary" data-testid=${`${testid}-save`} disabled=${isBusy}>${t("home.save")}</button>
      <span role="status" class="small" data-testid=${`${testid}-said`}>${isSaved ? t("settings.saved") : ""}</span>
    </div>
  </form>`;
}

/** @typedef {{school: any, change: (some: object) => Promise<any>}} Props */

/** @param {Props & {onDone: () => void}} props */
function Name({ school, change, onDone }) {
  const [name, setName] = useState(school.name);
  const [isSaved, setSaved] = useState(false);
  const { isBusy, refusal, run } = useAct();
  const save = async () => {
    if (await run(() => change({ name: name.trim() }))) setSaved(true), onDone();
  };
  return html`<${Part} name=${t("settings.name")} text=${t("settings.name_text")} testid="school-name" onSave=${save} ...${{ isBusy, isSaved }}>
    <${Field} name=${t("home.name")} testid="school-name-field" dir="auto" required maxlength=${SHORT_TEXT_LENGTH} value=${name} error=${refusal} onInput=${(/** @type {string} */ text) => (setName(text), setSaved(false))} />
  <//>`;
}

/** What is kept for fewer days than before goes for good: that is asked first. @param {Props & {onDone: () => void}} props */
function Retention({ school, change, onDone }) {
  const [days, setDays] = useState(Object.fromEntries(KEPT.map((each) => [each, school[each] === null ? "" : String(school[each])])));
  const [isAsking, ask] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const { isBusy, refusal, field, run } = useAct();
  const wanted = Object.fromEntries(KEPT.map((each) => [each, days[each] === "" ? null : Number(days[each])]));
  const shorter = KEPT.filter((each) => (wanted[each] ?? Infinity) < (school[each] ?? Infinity));
  const done = () => (ask(false), setSaved(true), onDone());
  const save = async () => {
    if (shorter.length > 0) ask(true);
    else if (await run(() => change(wanted))) done();
  };
  return html`<${Part} name=${t("settings.kept")} text=${t("settings.kept_text")} testid="retention" onSave=${save} ...${{ isBusy, isSaved }}>
      ${KEPT.map(
        (each) => html`<${Field} key=${each} name=${t(`settings.${each}`)} testid=${each} type="number" inputmode="numeric" class="days" min="1" max=${MOST_DAYS} placeholder=${t("settings.for_ever")} value=${days[each]}
          hint=${t(`settings.${each}_text`)} error=${field === each ? refusal : ""} onInput=${(/** @type {string} */ text) => (setDays({ ...days, [each]: text }), setSaved(false))} />`,
      )}
      <${Refusal} text=${KEPT.includes(field) ? "" : refusal} />
    <//>
    <${Dialog} isOpen=${isAsking} isGrave title=${t("settings.shorter_title")} onClose=${() => ask(false)} testid="retention-dialog">
      <p>${t("settings.shorter_text")}</p>
      <ul class="bullets" data-testid="retention-shorter">${shorter.map((each) => html`<li key=${each}>${t("settings.shorter", { what: t(`settings.${each}`), count: Number(wanted[each]) })}</li>`)}</ul>
      <${Confirm} text=${t("settings.no_way_back")} label=${t("settings.shorten")} act=${() => change(wanted)} onDone=${done} onClose=${() => ask(false)} />
    <//>`;
}

/** @param {Props} props */
function Embedding({ school, change }) {
  const [text, setText] = useState(school.embed_origins.join("\n"));
  const [wrong, setWrong] = useState("");
  const [isSaved, setSaved] = useState(false);
  const { isBusy, refusal, run } = useAct();
  const save = async () => {
    const { origins, fault } = readOrigins(text);
    const refused = fault !== null ? t("settings.no_origin", { text: fault }) : origins.length > MOST_ORIGINS ? t("settings.too_many", { count: MOST_ORIGINS }) : "";
    setWrong(refused);
    if (refused) return;
    if (await run(() => change({ embed_origins: origins }))) setSaved(true), setText(origins.join("\n"));
  };
  return html`<${Part} name=${t("settings.embedding")} text=${t("settings.embedding_text")} testid="embedding" onSave=${save} ...${{ isBusy, isSaved }}>
    <${Field} name=${t("settings.origins")} testid="origins" rows=${4} spellcheck="false" autocapitalize="off" class="address" placeholder="https://lms.school.example" hint=${t("settings.origins_hint")} value=${text} error=${wrong || refusal}
      onInput=${(/** @type {string} */ origins) => (setText(origins), setWrong(""), setSaved(false))} />
  <//>`;
}
