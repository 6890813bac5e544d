// @ts-check
/**
 * Ten minutes of how the way in and the ways out did: a sample with each report, none while there
 * is nothing to tell. And what happened there, in the words of the log.
 *
 * @typedef {{at: number, kbps: number, rtt: number|null, lost: number}} Sample
 *   `lost`: of the uplink, percent of its packets; of a destination, what was dropped since the
 *   sample before.
 * @typedef {ReturnType<typeof history>} History
 */

import { effect, signal } from "../shared/signals.js";

export const KEPT_MS = 600_000;
const MOST_EVENTS = 200;
/** What is told of destinations and of the teacher's picture. */
export const TOLD = [
  "destination.enabled", "destination.disabled", "destination.connecting", "destination.live",
  "destination.degraded", "destination.recovered", "destination.switched",
  "destination.retry_scheduled", "destination.failed", "destination.stopped", "destination.retry_requested",
  "publisher.connected", "publisher.lost", "publisher.resumed", "publisher.replaced",
  "publisher.warning",
];

/** The samples with one more, and without those that are too old. @param {Sample[]} samples @param {Sample} sample */
export function recorded(samples, sample) {
  return [...samples.filter(({ at }) => at > sample.at - KEPT_MS), sample];
}

/** @typedef {import("../shared/state.js").LogEvent} LogEvent */

/**
 * @param {import("../shared/classroom.js").Classroom} classroom
 * @param {import("../shared/rest.js").Rest} api
 */
export function history(classroom, api) {
  const uplink = signal(/** @type {Sample[]} */ ([]));
  const destinations = signal(/** @type {Record<string, Sample[]>} */ ({}));
  const events = signal(/** @type {LogEvent[]} */ ([]));
  /** What each had dropped in all, at its last sample. @type {Map<string, number>} */
  const dropped = new Map();

  effect(() => {
    const { uplink: way, destinations: ways } = classroom.health.value;
    const at = Date.now() + classroom.skew.peek();
    if (way.state && way.state !== "no_data") {
      uplink.value = recorded(uplink.peek(), { at, kbps: way.kbps ?? 0, rtt: null, lost: way.loss_percent ?? 0 });
    }
    const next = { ...destinations.peek() };
    for (const [id, each] of Object.entries(ways)) {
      if (each.state === "no_data") continue;
      const all = each.dropped ?? 0;
      const lost = Math.max(0, all - (dropped.get(id) ?? all));
      dropped.set(id, all);
      next[id] = recorded(next[id] ?? [], { at, kbps: each.kbps ?? 0, rtt: each.rtt_ms ?? null, lost });
    }
    destinations.value = next;
  });

  /** @param {LogEvent[]} more */
  const take = (more) => {
    const known = new Map([...events.value, ...more].map((event) => [event.sequence, event]));
    events.value = [...known.values()].sort((a, b) => a.sequence - b.sequence).slice(-MOST_EVENTS);
  };
  classroom.onEvent((event) => {
    if (TOLD.includes(event.type)) take([event]);
  });

  let isAsked = false;
  /** Ask for what happened before this page was opened; once is enough. */
  const load = async () => {
    if (isAsked) return;
    isAsked = true;
    try {
      const query = `before=${Number.MAX_SAFE_INTEGER}&limit=${MOST_EVENTS}&types=${TOLD.join(",")}`;
      take((await api.get(`/v1/sessions/${classroom.id}/events?${query}`)).events);
    } catch {
      isAsked = false; // the next look asks again; what came since is there
    }
  };

  return { uplink, destinations, events, load };
}
