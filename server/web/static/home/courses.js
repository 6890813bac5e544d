// @ts-check
/** The courses, and a field for a new one. */

import { html, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { all, Loaded, Refusal, useAct, useRemote } from "./remote.js";
import { managesAll } from "./rights.js";
import { go, Link } from "./router.js";

/** @param {{api: import("../shared/rest.js").Rest, me: import("./rights.js").Me}} props */
export function Courses({ api, me }) {
  const courses = useRemote(() => all(api, "/v1/courses"), []);
  return html`<h1>${t("home.courses")}</h1>
    ${managesAll(me) && html`<${NewTitle} label=${t("courses.new")} example=${t("courses.example")} button=${t("courses.make")} testid="course" onMake=${async (/** @type {string} */ title) => go(`/courses/${(await api.post("/v1/courses", { title })).id}`)} />`}
    <${Loaded} of=${courses}>
      ${(/** @type {any[]} */ known) => html`
        ${known.length === 0 && html`<p class="empty" data-testid="no-courses">${t("courses.nothing")}</p>`}
        <ul class="cards tiles" data-testid="courses">
          ${known.map(
            ({ id, title, status }) => html`<li key=${id} class="item">
              <${Link} href=${`/courses/${id}`} class="name grow"><span dir="auto">${title}</span><//>
              ${status === "draft" && html`<span class="pill">${t("course.draft")}</span>`}
            </li>`,
          )}
        </ul>`}
    <//>`;
}

/**
 * A field for the title of something new.
 * @param {{label: string, example: string, button: string, testid: string, onMake: (title: string) => Promise<void>}} props
 */
export function NewTitle({ label, example, button, testid, onMake }) {
  const [title, setTitle] = useState("");
  const { isBusy, refusal, run } = useAct();
  /** @param {SubmitEvent} event */
  const make = async (event) => {
    event.preventDefault();
    if (await run(() => onMake(title.trim()))) setTitle((now) => (now === title ? "" : now)); // or the next one is begun
  };
  return html`<form class="row new" onSubmit=${make}>
      <input class="grow" dir="auto" data-testid=${`${testid}-title`} aria-label=${label} placeholder=${example} maxlength=${SHORT_TEXT_LENGTH} value=${title} onInput=${(/** @type {any} */ { target }) => setTitle(target.value)} />
      <button class="primary" data-testid=${`${testid}-make`} disabled=${isBusy || title.trim() === ""}>${button}</button>
    </form>
    <${Refusal} text=${refusal} />`;
}
