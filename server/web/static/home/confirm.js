// @ts-check
/** What is asked before something goes for good. */

import { html } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Refusal, useAct } from "./remote.js";

/**
 * @param {{text: string, label: string, act: () => Promise<unknown>, onDone: () => void, onClose: () => void}} props
 */
export function Confirm({ text, label, act, onDone, onClose }) {
  const { isBusy, refusal, run } = useAct();
  const confirm = async () => {
    if (await run(act)) onDone();
  };
  return html`<p dir="auto">${text}</p>
    <${Refusal} text=${refusal} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button type="button" class="danger" data-testid="confirm" disabled=${isBusy} onClick=${confirm}>${label}</button>
    </div>`;
}
