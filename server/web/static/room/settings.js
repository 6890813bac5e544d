// @ts-check
/** How somebody likes to watch and read. */

import { ReadChat } from "../shared/chatnews.js";
import { html } from "../shared/html.js";
import { isListed } from "../shared/keys.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";

/** @param {{chosen: import("./choices.js").Choices}} props */
export function Settings({ chosen }) {
  const { soundOnly, saveData, captionSize, captionPlace } = chosen;
  return html`<button type="button" class="control" data-testid="settings" popovertarget="settings" aria-label=${t("room.settings")} title=${t("room.settings")}><${Icon} name="settings" /></button>
    <div popover id="settings" class="popover stack" aria-label=${t("room.settings")}>
      <${Switch} testid="sound-only" label=${t("room.sound_only")} of=${soundOnly} />
      <${Switch} testid="save-data" label=${t("room.save_data")} of=${saveData} />
      <p class="small muted">${t("room.save_data_text")}</p>
      <${Pick} testid="caption-size" label=${t("captions.size")} of=${captionSize} values=${["small", "medium", "large"]} />
      <${Pick} testid="caption-place" label=${t("captions.place")} of=${captionPlace} values=${["bottom", "top"]} />
      <${ReadChat} />
      <button type="button" popovertarget="settings" popovertargetaction="hide" data-testid="list-keys" onClick=${() => (isListed.value = true)}>${t("keys.title")}</button>
    </div>`;
}

/** @param {{testid: string, label: string, of: import("../shared/signals.js").Signal<boolean>}} props */
function Switch({ testid, label, of }) {
  return html`<label class="choice"><input type="checkbox" role="switch" data-testid=${testid} checked=${of.value} onChange=${() => (of.value = !of.value)} />${label}</label>`;
}

/** @param {{testid: string, label: string, of: import("../shared/signals.js").Signal<string>, values: string[]}} props */
function Pick({ testid, label, of, values }) {
  return html`<label class="choice">${label}
    <select class="narrow" data-testid=${testid} value=${of.value} onChange=${(/** @type {any} */ event) => (of.value = event.target.value)}>
      ${values.map((value) => html`<option key=${value} value=${value}>${t(`captions.${value}`)}</option>`)}
    </select>
  </label>`;
}
