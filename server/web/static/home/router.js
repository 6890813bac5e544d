// @ts-check
/** Which part of the page is shown: its address says it, so that back, reload and links work. */

import { html } from "../shared/html.js";
import { signal } from "../shared/signals.js";

/** @returns {{path: string, query: URLSearchParams}} */
const here = () => ({ path: location.pathname, query: new URLSearchParams(location.search) });

export const route = signal(here());
addEventListener("popstate", () => (route.value = here()));

/** @param {string} address @param {boolean} [replaces] Whether there is no way back to what is shown. */
export function go(address, replaces = false) {
  history[replaces ? "replaceState" : "pushState"](null, "", address);
  route.value = here();
  if (!replaces) scrollTo(0, 0);
}

/** Whether a click is meant for another tab or window. @param {MouseEvent} event */
export function isElsewhere({ button, ctrlKey, metaKey, shiftKey, altKey }) {
  return button !== 0 || ctrlKey || metaKey || shiftKey || altKey;
}

/** A link within this page. @param {{href: string, children?: any, [other: string]: any}} props */
export function Link({ href, children, ...others }) {
  /** @param {MouseEvent} event */
  const follow = (event) => {
    if (isElsewhere(event)) return;
    event.preventDefault();
    go(href);
  };
  return html`<a href=${href} onClick=${follow} ...${others}>${children}</a>`;
}
