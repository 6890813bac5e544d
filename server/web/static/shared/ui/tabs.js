// @ts-check
/** Tabs, by mouse and by arrow keys. */

import { html } from "../html.js";

/**
 * A tab that is calling pulses, once. `isInner`: tabs within a tab, which look like less.
 * @param {{tabs: {id: string, label: string, count?: number, isCalling?: boolean, view: () => any}[], selected: string,
 *   onSelect: (id: string) => void, label: string, isInner?: boolean}} props
 */
export function Tabs({ tabs, selected, onSelect, label, isInner = false }) {
  const shown = tabs.find(({ id }) => id === selected) ?? tabs[0];
  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(shown) + step + tabs.length) % tabs.length];
    onSelect(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return html`<div class=${isInner ? "inner" : "panel"}>
    <div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
      ${tabs.map(
        (tab) => html`<button
          key=${tab.id}
          id=${`tab-${tab.id}`}
          role="tab"
          type="button"
          class=${tab.isCalling ? "calling" : ""}
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
