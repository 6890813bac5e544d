// @ts-check
// A replay's moments, whatever the player does; what is found in it; and what a report counts.
import assert from "node:assert/strict";
import test from "node:test";

import { followed, marks, peak, presence } from "../../server/web/static/report/figures.js";
import { matching } from "../../server/web/static/replay/contents.js";
import { reason, reasons } from "../../server/web/static/replay/gaps.js";
import { cues, current } from "../../server/web/static/replay/cues.js";
import { moments } from "../../server/web/static/replay/moments.js";
import { emptyState, fold } from "../../server/web/static/shared/state.js";

/** A message each second for ten minutes. @type {{t: number, event: any}[]} */
const LOG = Array.from({ length: 600 }, (_, number) => ({
  t: number * 1000,
  event: {
    sequence: number + 1, type: "chat.posted", version: 1, at: "2026-11-22T09:00:00.000Z", by: "u",
    data: { message: `m${number}`, name: "Ann", text: String(number), to: "everyone" },
  },
}));

/** @param {number} t */
const stateAt = (t) => LOG.filter((each) => each.t <= t).reduce((state, { event }) => fold(state, event), emptyState());

/** A server that answers from the log, a few events at a time; it notes what it is asked. */
function server() {
  /** @type {string[]} */
  const asked = [];
  let isAway = false;
  return {
    asked,
    /** @param {boolean} now */
    goes: (now) => (isAway = now),
    /** @param {string} path @returns {Promise<any>} */
    async get(path) {
      asked.push(path);
      await new Promise((resolve) => setImmediate(resolve));
      if (isAway) throw new Error("away");
      const query = new URL(path, "http://x").searchParams;
      const number = (/** @type {string} */ name) => Number(query.get(name));
      if (path.includes("/state?")) {
        const state = stateAt(number("t"));
        return { t: number("t"), view: "student", sequence: Math.floor(number("t") / 1000) + 1, state };
      }
      const within = LOG.filter(({ t, event }) => t >= number("from_ms") && t <= number("to_ms") && event.sequence > number("after"));
      const items = within.slice(0, 7);
      return { items, next: within.length > 7 ? items[6].event.sequence : null };
    },
  };
}

function player() {
  const api = server();
  let state = emptyState();
  const history = moments({ replay: "r", api, onState: (next) => (state = next) });
  return { api, history, last: () => state.messages.at(-1)?.text, count: () => state.messages.length };
}

test("a gap has the reason that the log knows, and else none", async () => {
  const event = (/** @type {string} */ type, data = {}) => ({ type, data });
  const lost = event("publisher.lost", { reason: "closed" });
  assert.equal(reason([]), null);
  assert.equal(reason([lost, event("recording.stopped")]), "stopped");
  assert.equal(reason([event("recording.stopped"), event("recording.failed")]), "failed");
  assert.equal(reason([lost]), "lost");
  assert.equal(reason([lost, event("publisher.lost", { reason: "restarted" })]), "restarted");

  const log = [{ t: 60_000, event: lost }, { t: 599_500, event: event("recording.stopped") }];
  const gaps = [600_000, 900_000].map((at_ms) => ({ at_ms, duration_ms: 1_000 }));
  const found = await reasons({ path: "/r", gaps, api: { get: async () => ({ items: log }) } });
  assert.deepEqual([...found], [[600_000, "stopped"]]);
});

test("the state is that of the moment, whether one plays, jumps or goes back", async () => {
  const { history, last, count } = player();
  for (const t of [0, 250, 1_000, 1_500, 30_000, 119_000, 20_000, 20_500, 400_000, 399_000, 400_250]) {
    await history.at(t);
    assert.equal(last(), String(Math.floor(t / 1000)), `at ${t}`);
    assert.equal(count(), stateAt(t).messages.length, `at ${t}`);
  }
});

test("who plays on is told at once, without asking", async () => {
  const { api, history, last } = player();
  await history.at(0);
  const before = api.asked.length;
  for (let t = 0; t <= 30_000; t += 250) void history.at(t);
  assert.equal(last(), "30");
  assert.equal(api.asked.length, before);
});

test("who drags through the hour asks for one moment at a time, and ends where they let go", async () => {
  const { api, history, last } = player();
  await history.at(0);
  const before = api.asked.filter((path) => path.includes("/state?")).length;
  let working = Promise.resolve();
  for (let t = 100_000; t <= 500_000; t += 1_000) working = history.at(t);
  await working;
  assert.equal(last(), "500");
  assert.ok(api.asked.filter((path) => path.includes("/state?")).length - before <= 2);
});

test("what plays while the first state is on its way does not ask again", async () => {
  const { api, history, last } = player();
  let working = history.at(0);
  for (let t = 250; t <= 2_000; t += 250) working = history.at(t);
  await working;
  assert.equal(api.asked.filter((path) => path.includes("/state?")).length, 1);
  assert.equal(last(), "2");
});

test("a server that is away is said, left in peace, and asked again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { api, history, last } = player();
  api.goes(true);
  await assert.rejects(history.at(5_000), /away/);
  await assert.rejects(history.at(5_250), /away/);
  assert.equal(api.asked.length, 1);
  api.goes(false);
  context.mock.timers.tick(2_000);
  await history.at(5_500);
  assert.equal(last(), "5");
});

test("captions are read as the server writes them", () => {
  const all = cues("WEBVTT\n\n00:00:01.000 --> 00:00:02.500\na &lt;b&gt; &amp; c\n\n01:00:00.000 --> 01:00:01.000\nlate\nr\n");
  assert.deepEqual(all, [
    { start: 1000, end: 2500, text: "a <b> & c" },
    { start: 3_600_000, end: 3_601_000, text: "late r" },
  ]);
  assert.deepEqual([0, 1000, 3_599_999, 4_000_000].map((t) => current(all, t)), [-1, 0, 0, 1]);
});

test("what is found has every word, in the order of the class", () => {
  const entry = (/** @type {number} */ t, /** @type {string} */ text) => ({ kind: /** @type {const} */ ("chat"), t, text, by: "" });
  const found = matching([entry(9, "Limits of SUMS"), entry(3, "the sum of limits"), entry(5, "limits")], " limits sum ");
  assert.deepEqual(found.map(({ t }) => t), [3, 9]);
});

const START = Date.parse("2026-11-22T09:00:00.000Z");
/** @param {number} minute */
const at = (minute) => new Date(START + minute * 60_000).toISOString();

test("presence counts who is there at once, whoever comes back among them", () => {
  const person = (/** @type {[number, number|null][]} */ ...stays) => /** @type {any} */ ({
    stays: stays.map(([from, to]) => ({ joined_at: at(from), left_at: to === null ? null : at(to) })),
  });
  const steps = presence([person([-5, 10], [20, null]), person([10, 30]), person([5, 90])], START, START + 60 * 60_000);
  assert.deepEqual(steps.map(({ at, count }) => [at / 60_000, count]), [[0, 1], [5, 2], [10, 2], [20, 3], [30, 2], [60, 0]]);
  assert.equal(peak(steps), 3);
  assert.equal(peak(presence([], START, START)), 0);
});

test("the lost are people, not clicks", () => {
  const says = (/** @type {number} */ minute, /** @type {string} */ by, kind = "lost") => ({ at: at(minute), by, data: { kind } });
  const bins = followed([says(1, "a"), says(1.5, "a"), says(1.2, "b"), says(61, "a"), says(1, "a", "got_it"), says(2, "a", "new")], START, 90 * 60_000);
  assert.equal(bins.length, 45);
  assert.deepEqual(bins[0].people, { lost: 2, got_it: 1, slower: 0, faster: 0 });
  assert.equal(bins[30].people.lost, 1);
  assert.equal(bins.reduce((sum, { people }) => sum + people.lost, 0), 3);
  assert.equal(followed([says(0, "a")], START, 0)[0].people.lost, 1);
});

test("an axis has few and round marks", () => {
  assert.deepEqual(marks(44, [1, 2, 5, 10, 20, 50], 3), [0, 20, 40]);
  assert.deepEqual(marks(1, [1, 2, 5], 3), [0, 1]);
  assert.deepEqual(marks(70_000, [1, 5], 4), [0, 17_500, 35_000, 52_500, 70_000]);
});
