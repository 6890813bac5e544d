// @ts-check
/** The dialog that plans a class, or changes when it is and what it is called. */

import { html, useEffect, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { all, Refusal, useAct } from "./remote.js";
import { manages, managesAll } from "./rights.js";
import { fromField, soon, toField, zone } from "./times.js";

/** @typedef {import("../shared/rest.js").Rest} Rest @typedef {import("./rights.js").Me} Me */

const LANGUAGES = ["en", "de", "es", "fr", "it", "pt", "nl", "pl", "tr", "uk", "ru", "ar", "hi", "zh", "ja", "ko"];
const names = new Intl.DisplayNames("en", { type: "language" });

/**
 * @param {{api: Rest, me: Me, isOpen: boolean, session?: any, lesson?: any, onClose: () => void,
 *   onDone: () => void}} props `session`: the one to change; `lesson`: where a new one belongs.
 */
export function Schedule({ isOpen, session, onClose, ...others }) {
  const title = t(session ? "schedule.change" : "schedule.title");
  return html`<${Dialog} isOpen=${isOpen} title=${title} onClose=${onClose} testid="schedule-dialog">
    <${Form} ...${{ session, onClose, ...others }} />
  <//>`;
}

/** @param {{api: Rest, me: Me, session?: any, lesson?: any, onClose: () => void, onDone: () => void}} props */
function Form({ api, me, session, lesson, onClose, onDone }) {
  const [title, setTitle] = useState(session?.title ?? lesson?.title ?? "");
  const [moment, setMoment] = useState(session ? (session.scheduled_at ? toField(new Date(session.scheduled_at)) : "") : toField(soon()));
  const [language, setLanguage] = useState(likely());
  const [place, setPlace] = useState({ course: lesson?.course ?? "", lesson: lesson?.id ?? "" });
  const { isBusy, refusal, run } = useAct();
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    const body = { title: title.trim(), scheduled_at: fromField(moment) };
    const isDone = await run(async () => {
      if (session) return api.send("PATCH", `/v1/sessions/${session.id}`, body);
      let at = place.lesson;
      if (place.course && !at) {
        at = (await api.post(`/v1/courses/${place.course}/lessons`, { title: body.title })).id;
        setPlace({ course: place.course, lesson: at }); // so that another try makes no other lesson
      }
      return api.post(at ? `/v1/lessons/${at}/sessions` : "/v1/sessions", { ...body, language });
    });
    if (isDone) onDone();
  };
  return html`<form class="stack" onSubmit=${save}>
    <label class="field">${t("schedule.name")}
      <input data-testid="class-title" dir="auto" required maxlength=${SHORT_TEXT_LENGTH} placeholder=${t("schedule.name_example")} value=${title} onInput=${(/** @type {any} */ { target }) => setTitle(target.value)} />
    </label>
    <label class="field">${t("schedule.when")}
      <input type="datetime-local" data-testid="class-when" value=${moment} aria-describedby="zone" onInput=${(/** @type {any} */ { target }) => setMoment(target.value)} />
    </label>
    <p class="small muted" id="zone">${t(moment === "" ? "schedule.no_time" : "schedule.zone", { zone: zone() })}</p>
    ${!session && !lesson && html`<${Where} ...${{ api, me, place, onPlace: setPlace }} />`}
    ${!session &&
    html`<label class="field">${t("schedule.language")}
      <select data-testid="class-language" value=${language} onChange=${(/** @type {any} */ { target }) => setLanguage(target.value)}>
        ${[...new Set([language, ...LANGUAGES])].map((each) => html`<option key=${each} value=${each}>${names.of(each)}</option>`)}
      </select>
    </label>`}
    <${Refusal} text=${refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button class="primary" data-testid="schedule-save" disabled=${isBusy || title.trim() === ""}>${t(session ? "home.save" : "schedule.save")}</button>
    </div>
  </form>`;
}

/** The browser's language, if it is one that a class can be in. */
function likely() {
  const found = navigator.language.split("-")[0].toLowerCase();
  return /^[a-z]{2,3}$/.test(found) ? found : "en";
}

/**
 * Which course and lesson a new class belongs to, if to any.
 * @param {{api: Rest, me: Me, place: {course: string, lesson: string},
 *   onPlace: (place: {course: string, lesson: string}) => void}} props
 */
function Where({ api, me, place, onPlace }) {
  const [courses, setCourses] = useState(/** @type {any[]} */ ([]));
  const [lessons, setLessons] = useState(/** @type {any[]} */ ([]));
  const { refusal, run } = useAct();
  useEffect(() => void run(async () => {
    const found = (await all(api, "/v1/courses")).filter(({ id }) => manages(me, id));
    setCourses(found);
    if (!managesAll(me) && found.length > 0) onPlace({ course: found[0].id, lesson: "" });
  }), []);
  useEffect(() => {
    setLessons([]);
    if (place.course) void run(async () => setLessons(await all(api, `/v1/courses/${place.course}/lessons`)));
  }, [place.course]);
  return html`<${Refusal} text=${refusal} />
    <label class="field">${t("schedule.course")}
      <select data-testid="class-course" value=${place.course} onChange=${(/** @type {any} */ { target }) => onPlace({ course: target.value, lesson: "" })}>
        ${managesAll(me) && html`<option value="">${t("schedule.no_course")}</option>`}
        ${courses.map(({ id, title }) => html`<option key=${id} value=${id}>${title}</option>`)}
      </select>
    </label>
    ${place.course &&
    html`<label class="field">${t("schedule.lesson")}
      <select data-testid="class-lesson" value=${place.lesson} onChange=${(/** @type {any} */ { target }) => onPlace({ ...place, lesson: target.value })}>
        <option value="">${t("schedule.new_lesson")}</option>
        ${lessons.map(({ id, title }) => html`<option key=${id} value=${id}>${title}</option>`)}
      </select>
    </label>`}`;
}
