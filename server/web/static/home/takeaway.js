// @ts-check
/** What can be taken away from a class as a file. */

import { t } from "../shared/strings.js";

/** @typedef {import("../shared/rest.js").Rest} Rest */

const LOOK_MS = 1_000;

/** Save what the server has at `path`. @param {Rest} api @param {string} path @param {string} name */
export async function save(api, path, name) {
  const url = URL.createObjectURL(await api.file(path));
  take(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Have one film made of each recording of a class, and save them. @param {Rest} api @param {string} session */
export async function takeFilm(api, session) {
  const { items } = await api.get(`/v1/sessions/${session}/recordings`);
  const finished = items.filter((/** @type {any} */ { status }) => status === "finalized");
  for (const { id } of finished) {
    const path = `/v1/sessions/${session}/recordings/${id}/download`;
    let film = await api.post(path, {});
    while (film.status === "queued" || film.status === "working") {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      film = await api.get(path);
    }
    if (film.status === "failed") throw new Error(film.reason ?? t("past.film_failed"));
    take(film.url, "");
  }
}

/** @param {string} url @param {string} name */
function take(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
