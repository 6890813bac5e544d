// @ts-check
/** A button that saves what only this person's token opens. */

import { html } from "../shared/html.js";
import { useSignal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @param {{api: import("../shared/rest.js").Rest, path: string, name: string, label: string}} props */
export function Save({ api, path, name, label }) {
  const trouble = useSignal("");
  const isAsked = useSignal(false);
  const save = async () => {
    isAsked.value = true;
    trouble.value = "";
    try {
      const url = URL.createObjectURL(await api.file(path));
      const link = document.createElement("a");
      link.href = url;
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // whoever is asked where to takes their time
    } catch (problem) {
      trouble.value = /** @type {Error} */ (problem).message;
    }
    isAsked.value = false;
  };
  return html`<button type="button" class="small" data-testid="csv" aria-label=${label} title=${label} disabled=${isAsked} onClick=${save}><${Icon} name="download" />${t("report.csv")}</button>
    ${trouble.value && html`<span role="alert" class="small">${trouble}</span>`}`;
}
