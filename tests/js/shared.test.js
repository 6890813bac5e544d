// @ts-check
// The small pure parts that both pages stand on.
import assert from "node:assert/strict";
import test from "node:test";

import { begun, settled } from "../../server/web/static/shared/actions.js";
import { backoff, spread } from "../../server/web/static/shared/backoff.js";
import { nobody, present } from "../../server/web/static/shared/people.js";
import { rest } from "../../server/web/static/shared/rest.js";
import { duration, known, ordinal, t } from "../../server/web/static/shared/strings.js";
import "../../server/web/static/shared/words.js";

/** @param {string} key @param {any} answer @returns {any} */
const answered = (key, answer) => ({ kind: "answered", key, answer });

test("what is posted again because nothing was heard of it is the same request", async () => {
  /** @type {string[]} */
  const keys = [];
  /** @type {(Response|null)[]} */
  const answers = [null, new Response("{}", { status: 503 }), Response.json({ id: 1 }), Response.json({ id: 2 }), new Response("{}", { status: 409 }), Response.json({ id: 3 })];
  const fetched = globalThis.fetch;
  globalThis.fetch = async (_, options) => {
    keys.push(new Headers(options?.headers).get("idempotency-key") ?? "");
    const answer = answers.shift();
    if (!answer) throw new TypeError("away");
    return answer;
  };
  try {
    const api = rest("t");
    for (let tries = 0; tries < 6; tries += 1) await api.post("/v1/courses", { title: "Maths" }).catch(() => undefined);
  } finally {
    globalThis.fetch = fetched;
  }
  const [first, again, done, next, refused, last] = keys;
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.deepEqual([again, done], [first, first]);
  assert.equal(new Set([first, next, refused, last]).size, 4);
});

test("an action is pending until its event is applied", () => {
  let actions = begun([], "k1", "chat.post", { text: "hello" });
  assert.equal(settled(actions, [], 9).length, 1);
  actions = settled(actions, [answered("k1", { type: "ack", sequence: [11, 12] })], 10);
  assert.equal(actions.length, 1);
  assert.equal(settled(actions, [], 11).length, 1);
  assert.equal(settled(actions, [], 12).length, 0);
});

test("an ack after its event, or without one, settles at once", () => {
  const actions = begun(begun([], "k1", "hand.raise", {}), "k2", "hand.raise", {});
  const meanings = [
    answered("k1", { type: "ack", sequence: [3, 3] }),
    answered("k2", { type: "ack", sequence: null }),
  ];
  assert.deepEqual(settled(actions, meanings, 3), []);
});

test("a refusal stays, in words, beside what is still pending", () => {
  const actions = begun(begun([], "k1", "poll.open", {}), "k2", "hand.raise", {});
  const left = settled(actions, [answered("k1", { type: "nack", message: "Only staff may." })], 0);
  assert.deepEqual(left.map(({ key, refusal }) => [key, refusal]), [["k1", "Only staff may."], ["k2", null]]);
});

test("back-off grows to its cap, and full jitter goes down to nothing", () => {
  assert.deepEqual([0, 1, 2, 9, 99].map((attempt) => backoff(attempt, () => 1)), [500, 1000, 2000, 15000, 15000]);
  assert.equal(backoff(5, () => 0), 0);
  assert.deepEqual([0, 0.5, 1].map((random) => spread(1000, () => random)), [500, 1000, 1500]);
});

test("presence is what it was, plus and minus the difference", () => {
  const person = (/** @type {string} */ user, status = "online") => ({ user, name: user, role: "student", status, connections: 1 });
  let here = present(nobody(), { count: 2, full: [person("a"), person("b")] });
  here = present(here, { count: 2, joined: [person("c")], left: ["a"], changed: [person("b", "dropped")] });
  assert.deepEqual([...here.people.values()].map(({ user, status }) => [user, status]), [["b", "dropped"], ["c", "online"]]);
  assert.deepEqual(present(here, { count: 900, full: [] }), { count: 900, people: new Map() });
});

test("texts are filled in, counted and ordered", () => {
  assert.equal(t("hands.lower_of", { name: "Ann" }), "Lower the hand of Ann");
  assert.equal(t("questions.votes", { count: 1 }), "1 vote");
  assert.equal(t("questions.votes", { count: 2 }), "2 votes");
  assert.equal(t("no.such.text"), "no.such.text");
  assert.equal(known("code.dns"), true);
  assert.equal(known("code.from_the_future"), false);
  assert.deepEqual([1, 2, 3, 4, 11, 22].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "22nd"]);
});

test("durations read like a clock", () => {
  assert.deepEqual([-5, 0, 65_000, 3_725_999].map(duration), ["0:00", "0:00", "1:05", "1:02:05"]);
});
