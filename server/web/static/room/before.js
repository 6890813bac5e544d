// @ts-check
/** Before the class: when it starts, where one is, and that it starts by itself. */

import { html } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { useSignal } from "../shared/signals.js";
import { duration, t, when } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { calendar } from "./calendar.js";

const DAY_MS = 86_400_000;
const TONE_S = 0.8;

/**
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   session: import("../shared/signals.js").Signal<any>}} props
 */
export function Before({ classroom, session }) {
  const now = useNow(classroom);
  const { id, title, scheduled_at: at } = session.value ?? {};
  const left = at ? Date.parse(at) - now : null;
  const heard = useSignal(false);
  const file = () => {
    const text = calendar({ id, title, at, now, url: location.origin + location.pathname });
    const url = URL.createObjectURL(new Blob([text], { type: "text/calendar" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: "class.ics" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  return html`<section class="before" data-testid="before">
    ${left !== null && html`<div>
      <p class="muted">${left > 0 ? t("before.starts") : t("before.soon")}</p>
      ${left > 0 && html`<p class="countdown num" role="timer" data-testid="countdown">${left > DAY_MS ? t("before.days", { count: Math.floor(left / DAY_MS) }) : duration(left)}</p>`}
      <p data-testid="when"><time datetime=${at}>${when(at)}</time> <span class="small muted">${Intl.DateTimeFormat().resolvedOptions().timeZone}</span></p>
    </div>`}
    <p role="status" data-testid="stage-note">${at ? t("before.itself") : t("stage.before")}</p>
    <div class="row">
      ${at && html`<button type="button" data-testid="calendar" onClick=${file}><${Icon} name="calendar-plus" />${t("before.calendar")}</button>`}
      <button type="button" data-testid="sound-check" onClick=${() => (tone(), (heard.value = true))}><${Icon} name="headphones" />${t("before.sound")}</button>
    </div>
    <p role="status" class="small muted">${heard.value ? t("before.heard") : ""}</p>
  </section>`;
}

/** Two soft notes: what the class will be as loud as. */
function tone() {
  const context = new AudioContext();
  const gain = context.createGain();
  gain.gain.setValueAtTime(0.15, context.currentTime);
  gain.gain.linearRampToValueAtTime(0, context.currentTime + TONE_S);
  gain.connect(context.destination);
  for (const [index, frequency] of [523.25, 659.25].entries()) {
    const note = new OscillatorNode(context, { frequency });
    note.connect(gain);
    note.start(context.currentTime + (index * TONE_S) / 3);
    note.stop(context.currentTime + TONE_S);
    note.onended = () => void (index === 1 && context.close());
  }
}
