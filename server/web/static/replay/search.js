// @ts-check
/** Find what was said, written, asked and shown: in this class, or in all classes of its course. */

import { html, useEffect } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { signal, useSignal } from "../shared/signals.js";
import { duration, t, when } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { matching } from "./contents.js";

/** @typedef {import("./view.js").View} View @typedef {import("./contents.js").Entry} Entry */

/** What is looked for. */
export const wanted = signal("");
const PAUSE_MS = 250;
const MOST = 100;

/** @param {{view: View}} props */
export function Search({ view }) {
  const isWide = useSignal(false);
  const { replay } = view;
  return html`<div class="search" role="search">
    <div class="row">
      <input type="search" class="grow" data-testid="find" maxlength=${SHORT_TEXT_LENGTH} aria-label=${t("replay.find")} placeholder=${t("replay.find")} value=${wanted} onInput=${(/** @type {any} */ { target }) => (wanted.value = target.value)} />
      ${replay.course !== null &&
      html`<label class="choice"><input type="checkbox" role="switch" data-testid="find-course" checked=${isWide.value} onChange=${() => (isWide.value = !isWide.value)} />${t("replay.find_course")}</label>`}
    </div>
    ${wanted.value.trim() !== "" && (isWide.value ? html`<${InCourse} view=${view} />` : html`<${InClass} view=${view} />`)}
  </div>`;
}

/** @param {{view: View}} props */
function InClass({ view }) {
  const { chapters, transcript, playing } = view;
  const more = useSignal(/** @type {Entry[]} */ ([]));
  const trouble = useSignal("");
  useEffect(() => {
    view.contents().then(({ entries }) => (more.value = entries), (problem) => (trouble.value = problem.message));
  }, [view]);
  const found = matching(
    [
      ...chapters.value.map(({ start, text }) => ({ kind: /** @type {const} */ ("chapter"), t: start, text, by: "" })),
      ...transcript.value.map(({ start, text }) => ({ kind: /** @type {const} */ ("sentence"), t: start, text, by: "" })),
      ...more.value,
    ],
    wanted.value,
  );
  return html`<p role="status" class="small muted" data-testid="found-count">${t("replay.found", { count: found.length })}</p>
    ${trouble.value && html`<p role="alert" class="small">${trouble.value}</p>`}
    <ol class="sentences found" data-testid="found">
      ${found.slice(0, MOST).map(({ kind, t: at, text, by }, index) => html`<li key=${index}>
        <button type="button" class="sentence" data-testid="hit" onClick=${() => playing.seek(at)}>
          <span class="num muted small">${duration(at)}</span>
          <span><span class="small muted">${t(`replay.kind_${kind}`)}${by && html` · <span dir="auto">${by}</span>`}</span><br /><span dir="auto">${text}</span></span>
        </button>
      </li>`)}
    </ol>`;
}

/** The server's search; a link that opens one class does not open the others. @param {{view: View}} props */
function InCourse({ view: { api, replay } }) {
  const results = useSignal(/** @type {any} */ (null));
  const trouble = useSignal("");
  const words = wanted.value.trim();
  useEffect(() => {
    let isStale = false;
    const timer = setTimeout(async () => {
      try {
        const found = await api.get(`/v1/search?q=${encodeURIComponent(words)}&course=${replay.course}`);
        if (!isStale) [results.value, trouble.value] = [found, ""];
      } catch (problem) {
        const { status, message } = /** @type {import("../shared/rest.js").Problem} */ (problem);
        if (!isStale) [results.value, trouble.value] = [null, status === 403 ? t("replay.find_one_only") : message];
      }
    }, PAUSE_MS);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [words]);
  if (trouble.value) return html`<p role="alert" class="small" data-testid="find-trouble">${trouble.value}</p>`;
  if (results.value === null) return html`<p role="status" class="small muted">${t("replay.loading")}</p>`;
  const { items, total, corrected } = results.value;
  return html`<p role="status" class="small muted" data-testid="found-count">${t("replay.found", { count: total })}${corrected && html` · <span dir="auto">${t("replay.corrected", { words: corrected })}</span>`}</p>
    <ol class="sentences found" data-testid="found">
      ${items.map((/** @type {any} */ hit) => html`<li key=${`${hit.kind}/${hit.id}/${hit.ordinal}`}>
        <a class="sentence" data-testid="hit" href=${new URL(hit.url).pathname + new URL(hit.url).search}>
          <${Icon} name=${hit.start_ms === null ? "film" : "play"} />
          <span><span class="small muted"><span dir="auto">${hit.session_title}</span> · ${when(hit.at)}</span><br /><${Snippet} hit=${hit} /></span>
        </a>
      </li>`)}
    </ol>`;
}

/** The text with what matched in it marked; places are counted in code points. @param {{hit: any}} props */
function Snippet({ hit: { snippet, highlights } }) {
  const characters = [...snippet];
  let done = 0;
  const parts = highlights.flatMap((/** @type {[number, number]} */ [from, to]) => {
    const before = characters.slice(done, from).join("");
    done = to;
    return [before, html`<mark>${characters.slice(from, to).join("")}</mark>`];
  });
  return html`<span dir="auto">${parts}${characters.slice(done).join("")}</span>`;
}
