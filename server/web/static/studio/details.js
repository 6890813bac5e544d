// @ts-check
/** How the way in and each way out does: charts of ten minutes, what happened, and a report. */

import { copied } from "../shared/clipboard.js";
import { html, useEffect, useState } from "../shared/html.js";
import { useNow } from "../shared/now.js";
import { clock, duration, t } from "../shared/strings.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Tabs } from "../shared/ui/tabs.js";
import { Chart } from "./chart.js";
import { report, sentence } from "./report.js";

/** Reports come each second: so late, there are none. */
const STALE_MS = 5_000;
const MOST_EVENTS = 30;
/** What stands for the teacher's own connection, beside the ids of destinations. */
export const UPLINK = "uplink";
/** @type {Record<string, string>} */
const COLOURS = { good: "ok", unstable: "warn", failing: "bad" };

/**
 * @typedef {import("../shared/classroom.js").Classroom} Classroom
 * @typedef {import("./history.js").History} History
 * @typedef {import("./history.js").Sample} Sample
 * @typedef {import("./ways.js").Listed} Listed
 */

/**
 * @param {{classroom: Classroom, past: History, listed: Listed[],
 *   detailed: import("../shared/signals.js").Signal<string|null>}} props
 */
export function Details({ classroom, past, listed, detailed }) {
  const id = detailed.value;
  const close = () => (detailed.value = null);
  useEffect(() => void (id !== null && past.load()), [id]);
  const ways = [{ id: UPLINK, name: t("uplink.title") }, ...listed];
  return html`<${Dialog} isOpen=${id !== null} isWide title=${t("details.title")} onClose=${close} testid="details-dialog">
    <${Tabs}
      isInner
      label=${t("details.of")}
      selected=${`way-${id}`}
      onSelect=${(/** @type {string} */ tab) => (detailed.value = tab.slice("way-".length))}
      tabs=${ways.map((way) => ({ id: `way-${way.id}`, label: way.name, view: () => html`<${Way} key=${way.id} classroom=${classroom} past=${past} way=${way} listed=${listed} />` }))}
    />
    <div class="row end">
      <${Copy} text=${() => report({ classroom, past, listed })} />
      <button type="button" class="primary" onClick=${close}>${t("close")}</button>
    </div>
  <//>`;
}

/** @param {{classroom: Classroom, past: History, way: {id: string, name: string}, listed: Listed[]}} props */
function Way({ classroom, past, way: { id }, listed }) {
  const isUplink = id === UPLINK;
  const { uplink, destinations } = classroom.health.value;
  const verdict = isUplink ? uplink : destinations[id];
  const samples = isUplink ? past.uplink.value : past.destinations.value[id] ?? [];
  const now = useNow(classroom);
  const last = samples.at(-1);
  const isStale = last !== undefined && now - last.at > STALE_MS;
  const state = isStale || !verdict?.state ? "no_data" : verdict.state;
  const colour = isStale ? "" : COLOURS[state] ?? "";
  const events = past.events.value.filter(({ type, data }) => (isUplink ? type.startsWith("publisher.") : data.destination === id));
  /** @param {(sample: Sample) => number|null} value */
  const points = (value) => samples.flatMap((sample) => {
    const number = value(sample);
    return number === null ? [] : [{ at: sample.at, value: number }];
  });
  return html`<div class="stack">
    <p class="row"><span class=${`pill ${colour}`} data-testid="details-state">${t(`health.${state}`)}</span>
      <span class="grow small">${isStale ? t("details.since", { time: clock(new Date(last.at).toISOString()) }) : verdict?.text ?? t("details.nothing")}</span></p>
    <div class="charts">
      <${Chart} label=${t("chart.kbps")} unit="kb/s" points=${points(({ kbps }) => kbps)} isStale=${isStale} colour=${colour} />
      <${Chart} label=${t(isUplink ? "chart.loss" : "chart.dropped")} unit=${isUplink ? "%" : ""} points=${points(({ lost }) => lost)} isStale=${isStale} colour=${colour} />
      ${!isUplink && html`<${Chart} label=${t("chart.rtt")} unit="ms" points=${points(({ rtt }) => rtt)} isStale=${isStale} colour=${colour} />`}
    </div>
    <${Facts} verdict=${verdict} />
    <h3>${t("details.events")}</h3>
    ${events.length === 0 && html`<p class="small muted">${t("details.no_events")}</p>`}
    <ol class="list small told" data-testid="details-events">
      ${events.slice(-MOST_EVENTS).reverse().map((event) => html`<li key=${event.sequence} class="row nowrap">
        <time class="num muted" datetime=${event.at}>${clock(event.at)}</time><span class="grow">${sentence(event, past.events.value, listed)}</span>
      </li>`)}
    </ol>
  </div>`;
}

/** What else is known, as far as it is. @param {{verdict: any}} props */
function Facts({ verdict }) {
  const { fps, longest_gop_ms: gop, lag_ms: lag, uptime_s: uptime, retries, on_backup: onBackup } = verdict ?? {};
  const facts = [
    fps ? ["fps", fps] : null,
    gop ? ["gop", `${(gop / 1000).toFixed(1)} s`] : null,
    lag ? ["lag", `${(lag / 1000).toFixed(1)} s`] : null,
    uptime ? ["uptime", duration(1000 * uptime)] : null,
    retries ? ["retries", retries] : null,
    onBackup ? ["backup", t("details.yes")] : null,
  ].filter((fact) => fact !== null);
  if (facts.length === 0) return null;
  return html`<dl class="facts small">
    ${facts.map(([name, value]) => html`<div key=${name}><dt class="muted">${t(`details.${name}`)}</dt><dd class="num">${value}</dd></div>`)}
  </dl>`;
}

/** @param {{text: () => string}} props */
function Copy({ text }) {
  const [note, setNote] = useState("");
  const copy = async () => setNote(t((await copied(text())) ? "invite.copied" : "details.not_copied"));
  return html`<span class="row grow"><button type="button" data-testid="details-copy" onClick=${copy}>${t("details.copy")}</button><span role="status" class="small">${note}</span></span>`;
}
