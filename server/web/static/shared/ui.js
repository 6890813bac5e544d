// @ts-check
/** The few components that every page uses: native elements with the page's states. */

import { html, useEffect, useRef } from "./html.js";
import { t } from "./strings.js";

/**
 * A modal dialog on the native element: focus goes in and comes back, Escape closes.
 * @param {{isOpen: boolean, title: string, onClose: () => void, testid: string, children?: any}} props
 */
export function Dialog({ isOpen, title, onClose, testid, children }) {
  const ref = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useEffect(() => {
    if (isOpen && !ref.current?.open) ref.current?.showModal();
    if (!isOpen && ref.current?.open) ref.current.close();
  }, [isOpen]);
  return html`<dialog ref=${ref} onClose=${onClose} aria-label=${title} data-testid=${testid}>
    ${isOpen && html`<div class="stack"><h2>${title}</h2>${children}</div>`}
  </dialog>`;
}

/**
 * @param {{tabs: {id: string, label: string, count?: number, view: () => any}[], selected: string,
 *   onSelect: (id: string) => void, label: string}} props
 */
export function Tabs({ tabs, selected, onSelect, label }) {
  const shown = tabs.find(({ id }) => id === selected) ?? tabs[0];
  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(shown) + step + tabs.length) % tabs.length];
    onSelect(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return html`<div class="panel">
    <div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
      ${tabs.map(
        (tab) => html`<button
          key=${tab.id}
          id=${`tab-${tab.id}`}
          role="tab"
          type="button"
          data-testid=${`tab-${tab.id}`}
          aria-selected=${tab === shown}
          aria-controls=${`panel-${tab.id}`}
          tabindex=${tab === shown ? 0 : -1}
          onClick=${() => onSelect(tab.id)}
        >
          ${tab.label}${tab.count ? html` <span class="num">${tab.count}</span>` : null}
        </button>`,
      )}
    </div>
    <section class="tabpanel" role="tabpanel" id=${`panel-${shown.id}`} aria-labelledby=${`tab-${shown.id}`}>
      ${shown.view()}
    </section>
  </div>`;
}

/**
 * A few actions behind one small button; one such menu is open at a time, and Escape closes it.
 * @param {{label: string, testid: string,
 *   actions: {testid: string, label: string, onChoose: () => void}[]}} props
 */
export function Menu({ label, testid, actions }) {
  const ref = useRef(/** @type {HTMLDetailsElement|null} */ (null));
  const close = () => ref.current?.removeAttribute("open");
  /** @param {KeyboardEvent} event */
  const escape = ({ key }) => {
    if (key !== "Escape") return;
    close();
    ref.current?.querySelector("summary")?.focus();
  };
  return html`<details class="menu" name="menu" ref=${ref} onKeyDown=${escape}>
    <summary aria-label=${label} title=${label} data-testid=${testid}>⋯</summary>
    <div class="row">
      ${actions.map(
        (action) => html`<button key=${action.testid} type="button" class="small" data-testid=${action.testid} onClick=${() => (close(), action.onChoose())}>${action.label}</button>`,
      )}
    </div>
  </details>`;
}

/**
 * What the connection is doing, quietly, once it has been away for longer than a blink.
 * @param {{classroom: import("./classroom.js").Classroom}} props
 */
export function ConnectionBanner({ classroom }) {
  const { status, attempt } = classroom.link.value;
  const text = {
    connecting: t("connection.connecting"),
    reconnecting: t("connection.reconnecting", { attempt }),
    offline: t("connection.offline"),
  }[/** @type {string} */ (status)];
  const isShown = classroom.isAway.value && text !== undefined;
  return html`<div role="status" data-testid="connection">
    ${isShown &&
    html`<div class="banner" data-testid="reconnecting">
      <span class="grow">${text}</span>
      <button class="small" type="button" onClick=${classroom.tryNow}>${t("connection.try_now")}</button>
    </div>`}
  </div>`;
}

/**
 * Refusals in the server's words; those of what was written stand in the chat.
 * @param {{classroom: import("./classroom.js").Classroom}} props
 */
export function Refusals({ classroom }) {
  const refused = classroom.actions.value.filter(
    ({ op, refusal }) => refusal !== null && op !== "chat.post",
  );
  return html`<div class="toasts" role="alert">
    ${refused.map(
      ({ key, refusal }) => html`<div class="toast" key=${key} data-testid="refusal">
        <span class="grow">${refusal}</span>
        <button class="small quiet" type="button" onClick=${() => classroom.dismiss(key)}>${t("dismiss")}</button>
      </div>`,
    )}
  </div>`;
}

/**
 * A whole page that says one thing.
 * @param {{title: string, text: string, testid: string, children?: any}} props
 */
export function FullPage({ title, text, testid, children }) {
  return html`<main class="fullpage" data-testid=${testid}>
    <h1>${title}</h1>
    <p class="muted">${text}</p>
    ${children}
  </main>`;
}

/** The words for each final goodbye. @type {Record<number, string>} */
const GOODBYES = {
  4105: "expired",
  4500: "invalid",
  4503: "removed",
  4504: "banned",
  4505: "denied",
  4506: "origin",
  4507: "not_found",
  4509: "ended",
  4513: "abuse",
};

/** Why this page is over, as a page. @param {{id: string, code: number|null}} props */
export function Goodbye({ id, code }) {
  const why = GOODBYES[code ?? 0] ?? "outdated";
  return html`<${FullPage} title=${t(`over.${why}.title`)} text=${t(`over.${why}.text`)} testid=${`over-${why}`}>
    ${why === "ended" &&
    html`<a class="button primary" href=${`/sessions/${id}/replay`}>${t("over.replay")}</a>`}
    ${why === "outdated" &&
    html`<button class="primary" type="button" onClick=${() => location.reload()}>${t("over.reload")}</button>`}
  <//>`;
}
