// @ts-check
/** Ask before what hurts. */

import { html } from "../shared/html.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";

/** @typedef {{title: string, text: string, action: string, onYes: () => void}} Asked */

const asked = signal(/** @type {Asked|null} */ (null));

/** Ask; `onYes` is called if so. @param {Asked} about */
export function ask(about) {
  asked.value = about;
}

export function Confirm() {
  const question = asked.value;
  const close = () => (asked.value = null);
  return html`<${Dialog} isOpen=${question !== null} isGrave title=${question?.title ?? ""} onClose=${close} testid="confirm-dialog">
    <p>${question?.text}</p>
    <div class="row end">
      <button type="button" onClick=${close}>${t("cancel")}</button>
      <button type="button" class="danger" data-testid="confirm" onClick=${() => (question?.onYes(), close())}>${question?.action}</button>
    </div>
  <//>`;
}
