// @ts-check
/** What happened to the picture and the ways out, in words; and all of it as a text to send on. */

import { clock, known, t } from "../shared/strings.js";

/** @typedef {import("../shared/state.js").LogEvent} LogEvent @typedef {import("./ways.js").Listed} Listed */

/** One event as a sentence. @param {LogEvent} event @param {LogEvent[]} all @param {Listed[]} listed */
export function sentence(event, all, listed) {
  const { type, data } = event;
  const name = listed.find(({ id }) => id === data.destination)?.name ?? t("details.unknown");
  const why = data.code === undefined ? "" : known(`code.${data.code}`) ? t(`code.${data.code}`) : String(data.code);
  const away = type === "destination.live" ? lostFor(event, all) : null;
  if (away !== null) return t("told.destination.back", { name, seconds: away });
  return t(`told.${type}`, { name, why, seconds: Math.round((data.delay_ms ?? 0) / 1000), to: data.to ?? "", reason: data.reason ?? "" });
}

/** For how many seconds a destination that is live again was not; null: it had not been. @param {LogEvent} live @param {LogEvent[]} all */
export function lostFor(live, all) {
  const earlier = all.filter(({ sequence, data }) => sequence < live.sequence && data.destination === live.data.destination);
  const before = earlier.map(({ type }) => type).lastIndexOf("destination.live");
  if (before < 0) return null;
  const lost = earlier.slice(before + 1).find(({ type }) => type !== "destination.degraded" && type !== "destination.recovered");
  return lost?.type === "destination.retry_scheduled" ? Math.round((Date.parse(live.at) - Date.parse(lost.at)) / 1000) : null;
}

/**
 * A text for whoever is asked for help. It holds no key, no address and nobody's words.
 * @param {{classroom: import("../shared/classroom.js").Classroom,
 *   past: import("./history.js").History, listed: Listed[]}} about
 */
export function report({ classroom, past, listed }) {
  const { health, state, id } = classroom;
  const { uplink, destinations } = health.value;
  const ways = Object.entries(destinations).map(([way, verdict]) => {
    const { name, provider } = listed.find((each) => each.id === way) ?? { name: way, provider: "" };
    return `${name} (${provider}): ${JSON.stringify(verdict)}`;
  });
  return [
    `Session ${id}, ${state.value.status}, ${new Date().toISOString()}`,
    navigator.userAgent,
    `Uplink: ${JSON.stringify(uplink)}`,
    ...ways,
    ...past.events.value.map((event) => `${event.at} ${clock(event.at)} ${sentence(event, past.events.value, listed)}`),
  ].join("\n");
}
