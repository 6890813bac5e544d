// @ts-check
/** Every page that was shown, with the moment at which it came; a click goes there. */

import { html, useEffect, useRef } from "../shared/html.js";
import { useSignal } from "../shared/signals.js";
import { duration, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @typedef {import("./contents.js").Page} Page @typedef {import("./view.js").View} View */

/** @param {{view: View}} props */
export function Pages({ view }) {
  const pages = useSignal(/** @type {Page[]|null} */ (null));
  const trouble = useSignal("");
  useEffect(() => {
    view.contents().then((found) => (pages.value = found.pages), (problem) => (trouble.value = problem.message));
  }, [view]);
  const { t: now } = view.playing;
  if (trouble.value) return html`<p role="alert">${trouble.value}</p>`;
  if (pages.value === null) return html`<p class="muted" role="status">${t("replay.loading")}</p>`;
  const at = pages.value.findLastIndex((page) => page.t <= now.value);
  return html`${pages.value.length === 0 && html`<p class="muted">${t("replay.no_pages")}</p>`}
    <ol class="thumbs" data-testid="pages">
      ${pages.value.map((page, index) => html`<li key=${`${page.t}/${page.asset}/${page.page}`}>
        <button type="button" data-testid="page" aria-current=${index === at ? "true" : undefined} onClick=${() => view.playing.seek(page.t)}>
          <${Thumb} view=${view} page=${page} />
          <span class="small"><span class="num muted">${duration(page.t)}</span> <span dir="auto">${page.isSlide ? t("replay.page", { name: page.name, page: page.page }) : page.name}</span></span>
        </button>
      </li>`)}
    </ol>`;
}

/** Fetched when it comes into sight. @param {{view: View, page: Page}} props */
function Thumb({ view, page: { asset, page, isSlide } }) {
  const url = useSignal("");
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    if (!isSlide) return undefined;
    const sight = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      sight.disconnect();
      view.pages.page(asset, page).then((found) => (url.value = found), () => undefined); // its name stands beside it
    });
    sight.observe(/** @type {HTMLElement} */ (box.current));
    return () => sight.disconnect();
  }, [view, asset, page]);
  return html`<span class="thumb" ref=${box}>
    ${isSlide ? url.value && html`<img alt="" src=${url.value} />` : html`<${Icon} name="presentation" />`}
  </span>`;
}
