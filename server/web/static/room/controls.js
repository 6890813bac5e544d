// @ts-check
/** The row under the stage: hand, reactions, captions, sound, the screen, and how one likes it. */

import { html } from "../shared/html.js";
import { hinted, keyed } from "../shared/keys.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { later } from "../shared/ui/later.js";
import { Follow } from "./follow.js";
import { Hand } from "./hand.js";

const Reactions = later(() => import("./reactions.js"), "Reactions");
const Settings = later(() => import("./settings.js"), "Settings");

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   player: import("./player.js").Player, chosen: import("./choices.js").Choices, isOpen: boolean, onPanel: () => void,
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
