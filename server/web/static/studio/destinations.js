// @ts-check
/** Where the class is streamed to: a switch each, and how it does in a word, a shape and a colour. */

import { html, useEffect } from "../shared/html.js";
import { signal } from "../shared/signals.js";
import { known, t } from "../shared/strings.js";

const MOST = 200;

const listed = signal(/** @type {any[]|null} */ (null));
const trouble = signal("");

/** Shape and colour of each phase; the word is in the strings. @type {Record<string, [string, string]>} */
const LOOKS = {
  off: ["○", ""],
  enabled: ["◔", ""],
  retry_requested: ["◔", "warn"],
  connecting: ["◔", "warn"],
  live: ["●", "ok"],
  recovered: ["●", "ok"],
  degraded: ["◐", "warn"],
  retry_scheduled: ["◐", "warn"],
  failed: ["✕", "bad"],
  stopped: ["○", ""],
};

/** @typedef {import("../shared/classroom.js").Classroom} Classroom */

/** @param {{classroom: Classroom, api: import("../shared/rest.js").Rest}} props */
export function Destinations({ classroom, api }) {
  const load = async () => {
    trouble.value = "";
    try {
      const { items } = await api.get(`/v1/sessions/${classroom.id}/destinations?limit=${MOST}`);
      listed.value = items;
    } catch (problem) {
      trouble.value = /** @type {Error} */ (problem).message;
    }
  };
  const folded = classroom.state.value.destinations;
  // One that another studio has just registered is in the fold before it is in our list.
  const unknown = Object.keys(folded).some((id) => !listed.value?.some((known) => known.id === id));
  useEffect(() => void load(), [unknown]);
  return html`<section class="card stack" aria-label=${t("destinations.title")}>
    <h2>${t("destinations.title")}</h2>
    ${trouble.value && html`<p class="row small" role="alert"><span class="grow">${trouble.value}</span><button type="button" class="small" onClick=${load}>${t("retry")}</button></p>`}
    ${listed.value?.length === 0 && html`<p class="small muted">${t("destinations.empty")}</p>`}
    <ul class="list" data-testid="destinations">
      ${(listed.value ?? []).map(
        (destination) => html`<${Destination} key=${destination.id} ...${{ classroom, destination, state: folded[destination.id] }} />`,
      )}
    </ul>
  </section>`;
}

/**
 * @param {{classroom: Classroom, destination: {id: string, name: string, provider: string},
 *   state: import("../shared/state.js").Destination|undefined}} props
 */
function Destination({ classroom, destination, state }) {
  const { id, name, provider } = destination;
  const { me, health } = classroom;
  const status = state?.status ?? "disabled";
  const isOn = status === "enabled";
  const phase = state === undefined || status === "disabled" ? "off" : state.phase;
  const [shape, colour] = LOOKS[phase] ?? LOOKS.enabled;
  const verdict = health.value.destinations[id];
  const isPending = classroom.isPending(({ data }) => data.destination === id);
  const mayRun = me.value?.role === "teacher" || me.value?.role === "admin";
  const why = state?.code && (known(`code.${state.code}`) ? t(`code.${state.code}`) : state.code);
  // While it is on, the server says more: the platform's name, what to do, and when it tries again.
  const said = (isOn && verdict?.text) || why;
  return html`<li class=${`row ${isPending ? "pending" : ""}`} data-testid="destination" data-phase=${phase}>
    <label class="choice grow">
      <input type="checkbox" role="switch" data-testid="destination-switch" checked=${isOn} disabled=${!mayRun || isPending} onChange=${() => classroom.act(isOn ? "destination.disable" : "destination.enable", { destination: id })} />
      <span dir="auto">${name}</span> <span class="small muted">${provider}</span>
    </label>
    <span class=${`pill ${colour}`} data-testid="destination-state">${shape} ${t(`destination.${phase}`, { attempt: state?.attempt ?? 0 })}</span>
    ${isOn && verdict?.kbps ? html`<span class="small muted num">${t("kbps", { kbps: verdict.kbps })}</span>` : null}
    ${said && html`<p class="small muted reason">${said}</p>`}
  </li>`;
}
