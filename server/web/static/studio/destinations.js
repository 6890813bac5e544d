// @ts-check
/** The strip at the bottom: whether the class reaches everyone, at a glance. */

import { html, useEffect } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Details, UPLINK } from "./details.js";
import { StreamKey } from "./streamkey.js";
import { wayOf } from "./ways.js";

const MOST = 200;

/** @typedef {import("../shared/classroom.js").Classroom} Classroom @typedef {import("./ways.js").Listed} Listed */

export const listed = signal(/** @type {Listed[]|null} */ (null));
const trouble = signal("");
/** Whose details are shown, and whose key is asked for; null: nobody's. */
export const detailed = signal(/** @type {string|null} */ (null));
const keyed = signal(/** @type {Listed|null} */ (null));

/**
 * @param {{classroom: Classroom, api: import("../shared/rest.js").Rest,
 *   past: import("./history.js").History}} props
 */
export function Destinations({ classroom, api, past }) {
  const { state, me } = classroom;
  const load = async () => {
    trouble.value = "";
    try {
      const { items } = await api.get(`/v1/sessions/${classroom.id}/destinations?limit=${MOST}`);
      listed.value = items;
    } catch (problem) {
      trouble.value = /** @type {Error} */ (problem).message;
    }
  };
  const { destinations: folded, status } = state.value;
  // One that another studio has just registered is in the fold before it is in our list.
  const unknown = Object.keys(folded).some((id) => !listed.value?.some((each) => each.id === id));
  useEffect(() => void load(), [unknown]);
  const now = useNow(classroom, Object.values(folded).some(({ phase }) => phase === "retry_scheduled"));
  const mayRun = (me.value?.role === "teacher" || me.value?.role === "admin") && (status === "scheduled" || status === "live");
  const all = listed.value ?? [];
  return html`<footer class="strip" aria-label=${t("destinations.title")}>
    <h2 class="small">${t("destinations.title")}</h2>
    ${trouble.value && html`<p class="row small" role="alert"><span class="grow">${trouble.value}</span><button type="button" class="small" onClick=${load}>${t("retry")}</button></p>`}
    ${listed.value?.length === 0 && html`<p class="small muted">${t("destinations.empty")}</p>`}
    <ul data-testid="destinations">
      ${all.map((each) => html`<${Destination} key=${each.id} ...${{ classroom, listed: each, now, mayRun }} />`)}
    </ul>
    <span class="row">
      <a class="button small" href="/destinations" target="_blank" rel="opener" data-testid="add-destination">${t("destinations.add")}</a>
      <button type="button" class="small" data-testid="details" onClick=${() => (detailed.value = all.find(({ id }) => folded[id]?.status === "enabled")?.id ?? UPLINK)}>${t("details.open")}</button>
    </span>
    <${Details} classroom=${classroom} past=${past} listed=${all} detailed=${detailed} />
    <${StreamKey} api=${api} destination=${keyed.value} onClose=${() => (keyed.value = null)} />
  </footer>`;
}

/** @param {{classroom: Classroom, listed: Listed, now: number, mayRun: boolean}} props */
function Destination({ classroom, listed: each, now, mayRun }) {
  const { id, name, provider } = each;
  const { state, health } = classroom;
  const { destinations, status } = state.value;
  const way = wayOf(each, destinations[id], health.value.destinations[id], { now, isLive: status === "live" });
  const isPending = classroom.isPending(({ data }) => data.destination === id);
  const act = (/** @type {string} */ op) => classroom.act(op, { destination: id });
  return html`<li class=${`way ${isPending ? "pending" : ""}`} data-testid="destination" data-phase=${way.isOn || destinations[id]?.status === "failed" ? destinations[id].phase : "off"}>
    <div class="row nowrap">
      <input type="checkbox" role="switch" data-testid="destination-switch" aria-label=${t("destination.switch", { name })} checked=${way.isOn} disabled=${!mayRun || isPending} onChange=${() => act(way.isOn ? "destination.disable" : "destination.enable")} />
      <span class="name" dir="auto" title=${`${name} · ${provider}`}>${name}</span>
      <span class=${`pill ${way.colour}`} data-testid="destination-state"><span aria-hidden="true">${way.shape}</span> ${way.word}</span>
      ${way.kbps > 0 && html`<span class="small muted num">${t("kbps", { kbps: way.kbps.toLocaleString() })}</span>`}
      ${mayRun && way.mayRetry && html`<button type="button" class="small" data-testid="destination-retry" disabled=${isPending} onClick=${() => act("destination.retry")}><${Icon} name="undo-2" />${t("retry")}</button>`}
      ${mayRun && way.needsKey && html`<button type="button" class="small" data-testid="destination-key" onClick=${() => (keyed.value = each)}>${t("key.edit")}</button>`}
    </div>
    ${way.why && html`<p class="small why" data-testid="destination-why">${way.why}</p>`}
  </li>`;
}
