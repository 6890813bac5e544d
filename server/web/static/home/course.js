// @ts-check
/** A course: its lessons in their order, the classes of each, and what is over. */

import { html, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { forget } from "./catalogue.js";
import { Confirm } from "./confirm.js";
import { NewTitle } from "./courses.js";
import { Lesson } from "./lesson.js";
import { Past } from "./past.js";
import { all, Loaded, Refusal, useAct, useRemote } from "./remote.js";
import { Rename } from "./rename.js";
import { manages, managesAll } from "./rights.js";
import { go, Link } from "./router.js";
import { save } from "./takeaway.js";

/** @typedef {import("../shared/rest.js").Rest} Rest @typedef {import("./rights.js").Me} Me */

/** @param {{api: Rest, me: Me, id: string}} props */
export function Course({ api, me, id }) {
  const found = useRemote(async () => {
    const [course, lessons, sessions] = await Promise.all([
      api.get(`/v1/courses/${id}`),
      all(api, `/v1/courses/${id}/lessons`),
      all(api, `/v1/sessions?course=${id}`),
    ]);
    return { course, lessons, sessions: Map.groupBy(sessions, ({ lesson }) => lesson) };
  }, [id]);
  const mayChange = manages(me, id);
  const { isBusy, refusal, run } = useAct();
  const changed = () => (forget(), found.load());
  /** Put the lesson at `from` where the one at `to` is. @param {any[]} lessons @param {number} from @param {number} to */
  const move = (lessons, from, to) => {
    const order = lessons.map((lesson) => lesson.id);
    order.splice(to, 0, ...order.splice(from, 1));
    return run(() => api.send("PUT", `/v1/courses/${id}/lesson-order`, { lessons: order })).then(found.load);
  };
  return html`<p class="small"><${Link} href="/courses">← ${t("home.courses")}<//></p>
    <${Loaded} of=${found}>
      ${(/** @type {{course: any, lessons: any[], sessions: Map<string, any[]>}} */ { course, lessons, sessions }) => html`
        <${Head} ...${{ api, me, course, mayChange }} onChange=${changed} />
        <${Refusal} text=${refusal} />
        <section class="stack" aria-labelledby="lessons"><h2 id="lessons">${t("course.lessons")}</h2>
          ${lessons.length === 0 && html`<p class="empty" data-testid="no-lessons">${t("course.nothing")}</p>`}
          <ol class="stack" data-testid="lessons">
            ${lessons.map(
              (lesson, at) => html`<${Lesson} key=${lesson.id} ...${{ api, me, lesson, mayChange }} sessions=${sessions.get(lesson.id) ?? []}
                onUp=${at > 0 && !isBusy ? () => move(lessons, at, at - 1) : null}
                onDown=${at < lessons.length - 1 && !isBusy ? () => move(lessons, at, at + 1) : null}
                onChange=${changed} />`,
            )}
          </ol>
          ${mayChange && html`<${NewTitle} label=${t("course.new_lesson")} example=${t("course.lesson_example")} button=${t("course.add_lesson")} testid="lesson"
            onMake=${async (/** @type {string} */ title) => {
              await api.post(`/v1/courses/${id}/lessons`, { title, order_index: lessons.length === 0 ? 0 : lessons[lessons.length - 1].order_index + 1 });
              await found.load();
            }} />`}
        </section>
        <${Past} ...${{ api, me }} course=${id} />`}
    <//>`;
}

/** @param {{api: Rest, me: Me, course: any, mayChange: boolean, onChange: () => void}} props */
function Head({ api, me, course, mayChange, onChange }) {
  const [asking, ask] = useState("");
  const { isBusy, refusal, run } = useAct();
  const isDraft = course.status === "draft";
  const path = `/v1/courses/${course.id}`;
  const toggle = async () => {
    if (await run(() => api.send("PATCH", path, { status: isDraft ? "published" : "draft" }))) onChange();
  };
  return html`<div class="row head">
      <h1 class="grow" dir="auto" data-testid="course-name">${course.title}</h1>
      <span class=${`pill ${isDraft ? "" : "ok"}`} data-testid="course-status">${t(isDraft ? "course.draft" : "course.published")}</span>
      <button type="button" data-testid="course-attendance" disabled=${isBusy} onClick=${() => run(() => save(api, `${path}/attendance.csv`, `${course.title}.csv`))}>${t("past.attendance")}</button>
      ${mayChange &&
      html`<button type="button" data-testid="course-toggle" disabled=${isBusy} onClick=${toggle}>${t(isDraft ? "course.publish" : "course.withdraw")}</button>
        <button type="button" data-testid="course-rename" onClick=${() => ask("rename")}>${t("home.rename")}</button>`}
      ${managesAll(me) && html`<button type="button" class="danger" data-testid="course-delete" onClick=${() => ask("delete")}>${t("session.delete")}</button>`}
    </div>
    <${Refusal} text=${refusal} />
    <${Dialog} isOpen=${asking === "rename"} title=${t("course.rename")} onClose=${() => ask("")} testid="rename-dialog">
      <${Rename} title=${course.title} act=${(/** @type {string} */ title) => api.send("PATCH", path, { title })} onDone=${() => (ask(""), onChange())} onClose=${() => ask("")} />
    <//>
    <${Dialog} isOpen=${asking === "delete"} title=${t("course.delete_title")} onClose=${() => ask("")} testid="delete-dialog">
      <${Confirm} text=${t("course.delete_text", { title: course.title })} label=${t("session.delete")} act=${() => api.send("DELETE", path)} onDone=${() => (forget(), go("/courses", true))} onClose=${() => ask("")} />
    <//>`;
}
