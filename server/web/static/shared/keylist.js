// @ts-check
/** The dialog that lists a page's keys, with the switch that turns single ones off. */

import { html } from "./html.js";
import { areOn, cap, isListed } from "./keys.js";
import { t } from "./strings.js";
import { Dialog } from "./ui/dialog.js";

/** @param {{shortcuts: import("./keys.js").Shortcut[]}} props */
export function KeyList({ shortcuts }) {
  const close = () => (isListed.value = false);
  return html`<${Dialog} isOpen=${isListed.value} title=${t("keys.title")} testid="keys" onClose=${close}>
    <dl class="keys">
      ${shortcuts.map(({ key, label }) => html`<div class="row" key=${key}><dt class="grow">${label}</dt><dd><kbd>${cap(key)}</kbd></dd></div>`)}
    </dl>
    <label class="choice">
      <input type="checkbox" role="switch" data-testid="keys-on" checked=${areOn.value} onChange=${() => (areOn.value = !areOn.value)} />
      ${t("keys.use")}
    </label>
    <p class="small muted">${t("keys.text")}</p>
    <div class="row end"><button type="button" class="primary" onClick=${close}>${t("close")}</button></div>
  <//>`;
}
