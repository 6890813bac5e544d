// @ts-check
// The pure parts of the studio's panels.
import assert from "node:assert/strict";
import test from "node:test";

import "../../server/web/static/shared/words.js";
import { ceiling, path } from "../../server/web/static/studio/chart.js";
import { KEPT_MS, recorded } from "../../server/web/static/studio/history.js";
import { latest, names } from "../../server/web/static/studio/lost.js";
import { posed } from "../../server/web/static/studio/pollform.js";
import { lostFor, sentence } from "../../server/web/static/studio/report.js";
import { held } from "../../server/web/static/studio/steady.js";
import { wayOf } from "../../server/web/static/studio/ways.js";

const key = (/** @type {string} */ item) => item;

test("a list that is held keeps its order, drops what is gone, and counts what is new", () => {
  assert.deepEqual(held(["b", "a", "c"], ["d", "a", "b", "e"], key), { shown: ["b", "a"], more: 2 });
  assert.deepEqual(held([], ["a"], key), { shown: [], more: 1 });
});

test("who is lost is counted once, by what they said last, while they are here", () => {
  const mark = (/** @type {number} */ sequence, /** @type {string} */ by, kind = "lost") => ({ sequence, by, data: { kind } });
  const people = new Map(["ann", "bob", "cy"].map((user) => [user, { name: user }]));
  const first = latest(new Map(), [mark(4, "cy"), mark(1, "ann"), mark(2, "ann"), mark(3, "gone")]);
  assert.deepEqual(names(first, people), ["cy", "ann"]);
  const then = latest(first, [mark(6, "bob", "faster"), mark(5, "ann", "got_it"), mark(1, "ann")]);
  assert.deepEqual(names(then, people), ["cy"]);
});

test("ten minutes are kept, and no more", () => {
  const sample = (/** @type {number} */ at) => ({ at, kbps: 1, rtt: null, lost: 0 });
  assert.deepEqual(recorded([sample(0), sample(1)], sample(KEPT_MS)).map(({ at }) => at), [1, KEPT_MS]);
});

test("a line is broken where nothing came", () => {
  const points = [0, 1_000, 20_000].map((at) => ({ at, value: 50 }));
  assert.equal(path(points, 0, 20_000, 100), "M0.0 40.0h.01L30.0 40.0M600.0 40.0h.01");
});

test("the top of a chart is a round number that nothing is above", () => {
  assert.deepEqual([0, 1, 7, 104, 2_410, 2_600].map(ceiling), [1, 1, 10, 200, 2_500, 5_000]);
});

test("a poll is posed without empty answers, and right ones keep their place", () => {
  const draft = { prompt: " Why? ", options: ["", "A", " B ", ""], multiple: false, anonymous: true, results: /** @type {const} */ ("live"), correct: [2, 3] };
  assert.deepEqual(posed(draft), { prompt: "Why?", options: ["A", "B"], multiple: false, anonymous: true, results: "live", correct: [1] });
  assert.equal("correct" in posed({ ...draft, correct: [] }), false);
});

const listed = { id: "d", name: "School", provider: "youtube", warnings: [{ text: "It takes 1080 lines at most." }] };
const at = { now: Date.parse("2026-01-01T00:00:00Z"), isLive: true };
/** @param {any} more @returns {any} */
const folded = (more) => ({ status: "enabled", phase: "live", code: null, attempt: 0, ...more });

test("a way that works says no more than that", () => {
  const way = wayOf(listed, folded({}), { state: "good", side: "platform", text: "All is well.", kbps: 2_500 }, at);
  assert.deepEqual([way.shape, way.colour, way.why, way.works, way.kbps], ["●", "ok", "", true, 2_500]);
  assert.equal(wayOf(listed, folded({}), { state: "no_data", text: "", side: "server" }, at).phase, "no_data");
});

test("a way that does not names the side at fault, and says when it goes on", () => {
  const verdict = { state: "failing", text: "The connection broke.", next_retry_at: "2026-01-01T00:00:04Z" };
  const way = wayOf(listed, folded({ phase: "retry_scheduled", attempt: 2 }), { ...verdict, side: "platform" }, at);
  assert.equal(way.why, "School: The connection broke.");
  assert.match(way.word, /try 2.*0:04/);
  assert.equal(way.mayRetry, true);
  assert.match(wayOf(listed, folded({ phase: "degraded" }), { ...verdict, side: "uplink" }, at).why, /^your connection: /);
  assert.match(wayOf(listed, folded({ status: "failed", phase: "failed", code: "internal" }), { ...verdict, side: "server" }, at).why, /^this server: /);
});

test("only another key helps where the key was refused; nothing is asked of what is off", () => {
  const refused = wayOf(listed, folded({ status: "failed", phase: "failed", code: "auth_rejected" }), undefined, at);
  assert.deepEqual([refused.shape, refused.needsKey], ["⛔", true]);
  assert.match(refused.why, /refused the stream key/);
  const off = wayOf(listed, undefined, undefined, at);
  assert.deepEqual([off.phase, off.why, off.isOn], ["off", "", false]);
});

test("a platform that hangs up each time may have been given a wrong key", () => {
  const lost = (/** @type {number} */ attempt) => wayOf(listed, folded({ phase: "retry_scheduled", code: "reset", attempt }), undefined, at);
  assert.deepEqual([lost(1).needsKey, lost(2).needsKey], [false, true]);
});

test("before the class a way that is on is ready, and says what to know of it", () => {
  const way = wayOf(listed, folded({ phase: "enabled" }), undefined, { ...at, isLive: false });
  assert.deepEqual([way.phase, way.why], ["ready", "It takes 1080 lines at most."]);
});

test("what comes back tells for how long it was away", () => {
  /** @param {number} sequence @param {string} type @param {any} [data] @returns {any} */
  const event = (sequence, type, data = {}) => ({ sequence, type: `destination.${type}`, at: new Date(at.now + 1000 * sequence).toISOString(), data: { destination: "d", ...data } });
  const all = [
    event(1, "connecting"), event(2, "live"), event(3, "degraded"),
    event(4, "retry_scheduled", { code: "reset", delay_ms: 2000 }), event(9, "connecting"), event(10, "live"),
  ];
  assert.equal(lostFor(all[1], all), null);
  assert.equal(lostFor(all[5], all), 6);
  assert.equal(sentence(all[5], all, [listed]), "School takes the stream again, after 6 s.");
  assert.match(sentence(all[3], all, [listed]), /closed the connection\. .*2 s/);
});
