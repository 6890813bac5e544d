// @ts-check
/** The row under the stage: hand, reactions, captions, sound, the screen, and how one likes it. */

import { html } from "../shared/html.js";
import { hinted, isListed, keyed } from "../shared/keys.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Follow } from "./follow.js";
import { Hand } from "./hand.js";
import { Reactions } from "./reactions.js";

/** @typedef {import("./choices.js").Choices} Choices */

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   player: import("./player.js").Player, chosen: Choices, isOpen: boolean, onPanel: () => void,
 *   isPanelOpen: boolean}} props
 */
export function Controls({ classroom, player, chosen, isOpen, onPanel, isPanelOpen }) {
  const { isMuted, isPlaying, isPictureWanted } = player;
  const { captions } = chosen;
  return html`<div class="controls" role="group" aria-label=${t("room.controls")} data-testid="controls">
    ${isOpen && html`<${Hand} classroom=${classroom} />
      <${Reactions} classroom=${classroom} />
      <${Follow} classroom=${classroom} />`}
    <span class="grow"></span>
    <${Tool} testid="captions-on" icon="captions" label=${t("captions.title")} shortcut="c" isOn=${captions.value} onClick=${() => (captions.value = !captions.value)} />
    ${isPlaying.value && html`<${Tool} testid="sound" icon=${isMuted.value ? "volume-x" : "volume-2"} label=${isMuted.value ? t("room.sound_on") : t("room.sound_off")} shortcut="m" onClick=${player.toggleSound} />`}
    ${isPlaying.value && isPictureWanted.value && document.pictureInPictureEnabled &&
    html`<${Tool} testid="apart" icon="picture-in-picture-2" label=${t("room.apart")} onClick=${player.apart} />`}
    ${isOpen && document.fullscreenEnabled && html`<${Tool} testid="large" icon="maximize" label=${t("room.large")} shortcut="f" onClick=${player.large} />`}
    <span class="sheet-button"><${Tool} testid="panel-open" icon="messages-square" label=${t("panel")} isOn=${isPanelOpen} onClick=${onPanel} /></span>
    <${Settings} chosen=${chosen} />
  </div>`;
}

/** @param {{testid: string, icon: string, label: string, shortcut?: string, isOn?: boolean, onClick: () => void}} props */
function Tool({ testid, icon, label, shortcut, isOn, onClick }) {
  return html`<button
    type="button"
    class="control"
    data-testid=${testid}
    aria-label=${label}
    title=${shortcut ? hinted(label, shortcut) : label}
    aria-keyshortcuts=${shortcut && keyed(shortcut)}
    aria-pressed=${isOn}
    onClick=${onClick}
  ><${Icon} name=${icon} /></button>`;
}

/** @param {{chosen: Choices}} props */
function Settings({ chosen }) {
  const { soundOnly, saveData, captionSize, captionPlace } = chosen;
  return html`<button type="button" class="control" data-testid="settings" popovertarget="settings" aria-label=${t("room.settings")} title=${t("room.settings")}><${Icon} name="settings" /></button>
    <div popover id="settings" class="popover stack" aria-label=${t("room.settings")}>
      <${Switch} testid="sound-only" label=${t("room.sound_only")} of=${soundOnly} />
      <${Switch} testid="save-data" label=${t("room.save_data")} of=${saveData} />
      <p class="small muted">${t("room.save_data_text")}</p>
      <${Pick} testid="caption-size" label=${t("captions.size")} of=${captionSize} values=${["small", "medium", "large"]} />
      <${Pick} testid="caption-place" label=${t("captions.place")} of=${captionPlace} values=${["bottom", "top"]} />
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
