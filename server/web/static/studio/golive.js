// @ts-check
/** Before everybody sees it: what goes where, and what is not as it should be. Nothing of it forbids. */

import { html } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Icon } from "../shared/ui/icon.js";
import { checks } from "./checks.js";
import { listed } from "./destinations.js";
import { records } from "./settings.js";
import { wayOf } from "./ways.js";

/** @typedef {import("../shared/classroom.js").Classroom} Classroom @typedef {import("./broadcast.js").Broadcast} Broadcast */

/** @param {{classroom: Classroom, camera: Broadcast, isOpen: boolean, onClose: () => void}} props */
export function GoLive({ classroom, camera, isOpen, onClose }) {
  const start = () => {
    classroom.act("session.start");
    if (records.value) classroom.act("recording.start");
    onClose();
  };
  return html`<${Dialog} isOpen=${isOpen} isGrave title=${t("start.title")} onClose=${onClose} testid="start-dialog">
    <p>${t("start.text")}</p>
    <${Checks} classroom=${classroom} camera=${camera} />
    <label class="choice">
      <input type="checkbox" role="switch" data-testid="start-records" checked=${records.value} onChange=${() => (records.value = !records.value)} />${t("start.records")}
    </label>
    <${Ways} classroom=${classroom} />
    <div class="row end">
      <button type="button" onClick=${onClose}>${t("cancel")}</button>
      <button type="button" class="primary" data-testid="go-live-confirm" onClick=${start}>${t("start.confirm")}</button>
    </div>
  <//>`;
}

/** @param {{classroom: Classroom, camera: Broadcast}} props */
function Checks({ classroom, camera }) {
  useNow(classroom); // whether one was heard lately changes by itself
  const found = checks({ classroom, camera, now: Date.now() });
  return html`<ul class="checks small">
    ${found.map(
      ({ name, isGood, text }) => html`<li key=${name} class="row nowrap" data-testid=${`check-${name}`} data-good=${isGood}>
        <span class=${isGood ? "good" : "doubtful"}><${Icon} name=${isGood ? "check" : "triangle-alert"} /></span><span class="grow">${text}</span>
      </li>`,
    )}
  </ul>`;
}

/** Where it goes, with a switch each, and whether it can. @param {{classroom: Classroom}} props */
function Ways({ classroom }) {
  const { state, health } = classroom;
  const { destinations } = state.value;
  const all = listed.value ?? [];
  if (all.length === 0) return html`<p class="small muted">${t("start.room_only")}</p>`;
  return html`<div><h3>${t("destinations.title")}</h3><ul class="list small">
    ${all.map((each) => {
      const way = wayOf(each, destinations[each.id], health.value.destinations[each.id], { now: Date.now(), isLive: false });
      const isPending = classroom.isPending(({ data }) => data.destination === each.id);
      return html`<li key=${each.id} class="row" data-testid="start-destination">
        <label class="choice grow"><input type="checkbox" role="switch" checked=${way.isOn} disabled=${isPending} onChange=${() => classroom.act(way.isOn ? "destination.disable" : "destination.enable", { destination: each.id })} /><span dir="auto">${each.name}</span></label>
        <span class=${`pill ${way.colour}`}><span aria-hidden="true">${way.shape}</span> ${way.word}</span>
        ${way.why && html`<p class="reason">${way.why}</p>`}
      </li>`;
    })}
  </ul></div>`;
}
