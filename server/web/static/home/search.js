// @ts-check
/** What was said, written and shown in any class: found, and one click from its moment. */

import { html } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { Opener } from "./opener.js";
import { Loaded, useRemote } from "./remote.js";
import { go, Link } from "./router.js";
import { day } from "./times.js";

const PAGE = 20;
/** What leads to the page of the course and not into a class. */
const TITLES = ["lesson", "course"];

/** @param {{api: import("../shared/rest.js").Rest, query: URLSearchParams}} props */
export function Search({ api, query }) {
  const asked = query.get("q") ?? "";
  const kind = query.get("kind") ?? "";
  const course = query.get("course") ?? "";
  const count = Number(query.get("count")) || PAGE;
  const narrowed = (/** @type {Record<string, string>} */ more) =>
    `/search?${new URLSearchParams(Object.entries({ q: asked, kind, course, ...more }).filter(([, value]) => value !== ""))}`;
  const found = useRemote(async () => {
    const filter = `${kind && `&kind=${encodeURIComponent(kind)}`}${course && `&course=${encodeURIComponent(course)}`}`;
    const items = [];
    let after = "";
    for (;;) {
      const page = await api.get(`/v1/search?q=${encodeURIComponent(asked)}&limit=${PAGE}${filter}${after}`);
      items.push(...page.items);
      if (page.next === null || items.length >= count) return { ...page, items };
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }, []);
  if (asked.trim() === "") return html`<h1>${t("search.title")}</h1><p class="empty">${t("search.ask")}</p>`;
  return html`<h1 dir="auto">${t("search.of", { text: asked })}</h1>
    <${Loaded} of=${found}>
      ${(/** @type {any} */ { items, next, total, total_is_exact: isExact, corrected, facets }) => html`
        <p class="muted" role="status" data-testid="found">${t(isExact ? "search.found" : "search.found_more", { count: total })}${corrected ? ` ${t("search.corrected", { text: corrected })}` : ""}</p>
        <div class="row facets" role="group" aria-label=${t("search.narrow")}>
          ${(kind || course) && html`<${Link} class="button small" href=${narrowed({ kind: "", course: "" })}>${t("search.everything")}<//>`}
          ${!kind && facets.kinds.length > 1 && facets.kinds.map((/** @type {any} */ { value, count: of }) => html`<${Link} key=${value} class="button small" href=${narrowed({ kind: value })}>${t(`kind.${value}`)} <span class="num muted">${of}</span><//>`)}
          ${!course && facets.courses.length > 1 && facets.courses.map((/** @type {any} */ { value, name, count: of }) => html`<${Link} key=${value} class="button small" href=${narrowed({ course: value })}><span dir="auto">${name ?? ""}</span> <span class="num muted">${of}</span><//>`)}
        </div>
        ${items.length === 0 && html`<p class="empty" data-testid="nothing-found">${t("search.nothing")}</p>`}
        <ul class="cards" data-testid="hits">${items.map((/** @type {any} */ hit) => html`<${Hit} key=${`${hit.kind}${hit.id}${hit.ordinal}`} hit=${hit} />`)}</ul>
        ${next !== null && html`<button type="button" onClick=${() => go(narrowed({ count: String(count + PAGE) }), true)}>${t("home.more")}</button>`}`}
    <//>`;
}

/** @param {{hit: any}} props */
function Hit({ hit }) {
  const { kind, session, session_title: title, course, course_title: courseTitle, at, start_ms: start, url } = hit;
  const where = html`<span dir="auto">${title}</span>${start === null ? null : html` <span class="num">${duration(start)}</span>`}`;
  return html`<li class="item hit" data-testid="hit">
    <div class="what grow">
      <p class="small muted">${t(`kind.${kind}`)} · ${day(at)}${courseTitle ? html` · <span dir="auto">${courseTitle}</span>` : null}</p>
      <p class="snippet" dir="auto"><${Marked} ...${hit} /></p>
      <p class="small">${TITLES.includes(kind) && course ? html`<${Link} href=${`/courses/${course}`}><span dir="auto">${courseTitle}</span><//>` : html`<${Opener} id=${session} page="replay" query=${new URL(url, location.href).search} isPlain>${where}<//>`}</p>
    </div>
  </li>`;
}

/** A text with what matched in it; places count code points. @param {{snippet: string, highlights: [number, number][]}} props */
function Marked({ snippet, highlights }) {
  const points = [...snippet];
  const parts = [];
  let done = 0;
  for (const [from, to] of highlights) {
    parts.push(points.slice(done, from).join(""), html`<mark key=${from}>${points.slice(from, to).join("")}</mark>`);
    done = to;
  }
  return html`${parts}${points.slice(done).join("")}`;
}
