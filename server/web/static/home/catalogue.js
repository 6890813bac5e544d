// @ts-check
/** Courses and lessons by their ids, each asked for once, for whatever only names them. */

import { html, useEffect } from "../shared/html.js";
import { signal } from "../shared/signals.js";
import { all } from "./remote.js";
import { Link } from "./router.js";

/** @typedef {import("../shared/rest.js").Rest} Rest */

const lessons = signal(/** @type {Record<string, any>} */ ({}));
const courses = signal(/** @type {Record<string, any>|null} */ (null));
/** @type {Set<string>} */
const asked = new Set();

/** Forget all: something was renamed. */
export function forget() {
  asked.clear();
  lessons.value = {};
  courses.value = null;
}

/** @param {Rest} api @param {string|null} lesson */
async function ask(api, lesson) {
  if (lesson === null || asked.has(lesson)) return;
  asked.add(lesson);
  try {
    if (!asked.has("courses")) {
      asked.add("courses");
      const found = await all(api, "/v1/courses");
      courses.value = Object.fromEntries(found.map((each) => [each.id, each]));
    }
    const found = await api.get(`/v1/lessons/${lesson}`);
    lessons.value = { ...lessons.value, [lesson]: found };
  } catch {
    // Of another's course: the class says its own title, and that is enough.
  }
}

/** The course of a lesson, as soon as it is known. @param {Rest} api @param {string|null} lesson @returns {string|null} */
export function useCourseOf(api, lesson) {
  useEffect(() => void ask(api, lesson), [lesson]);
  return lesson === null ? null : lessons.value[lesson]?.course ?? null;
}

/** “Course · Lesson”, as a way there. @param {{api: Rest, lesson: string|null}} props */
export function Place({ api, lesson }) {
  const course = useCourseOf(api, lesson);
  const found = lesson === null ? undefined : lessons.value[lesson];
  if (course === null || found === undefined) return null;
  return html`<${Link} href=${`/courses/${course}`}><span dir="auto">${courses.value?.[course]?.title ?? ""}</span><//> · <span dir="auto">${found.title}</span>`;
}
