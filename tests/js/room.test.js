// @ts-check
// What the room works out by itself: a calendar entry, and what one missed.
import assert from "node:assert/strict";
import test from "node:test";

import { calendar } from "../../server/web/static/room/calendar.js";
import { cameraPart, repeatsPage, showsScreen } from "../../server/web/static/room/inset.js";
import { arrange } from "../../server/web/static/studio/composer/layout.js";
import { absence } from "../../server/web/static/shared/absence.js";
import { whole } from "../../server/web/static/shared/scene.js";
import { paced } from "../../server/web/static/shared/chatnews.js";
import { keepsFromNotes } from "../../server/web/static/shared/speaking.js";
import { emptyState } from "../../server/web/static/shared/state.js";

const LESSON = { id: "1", title: "Limits; continuity, and more", at: "2026-11-22T10:00:00.000Z", url: "https://x.example/s", now: 0 };

test("a class is an entry that calendars take", () => {
  const lines = calendar(LESSON).split("\r\n");
  assert.equal(lines.at(0), "BEGIN:VCALENDAR");
  assert.ok(lines.includes("DTSTART:20261122T100000Z"));
  assert.ok(lines.includes("DTSTAMP:19700101T000000Z"));
  assert.ok(lines.includes("SUMMARY:Limits\\; continuity\\, and more"));
  assert.deepEqual(lines.slice(-2), ["END:VCALENDAR", ""]);
});

test("a long title is folded between characters, into lines of 75 bytes", () => {
  const title = "ß".repeat(100);
  const text = calendar({ ...LESSON, title });
  for (const line of text.split("\r\n")) assert.ok(new TextEncoder().encode(line).length <= 75);
  assert.ok(text.replaceAll("\r\n ", "").includes(`SUMMARY:${title}\r\n`));
});

/** @param {string} message @param {string} by */
const said = (message, by, removed = false) => ({ message, by, name: by, at: "", text: "", to: /** @type {const} */ ("everyone"), reply_to: null, removed });

test("who comes back is told how much others wrote", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const away = absence();
  const before = { ...emptyState(), messages: [said("1", "bob")] };
  const after = { ...before, messages: [...before.messages, said("2", "bob"), said("3", "ann"), said("4", "cy"), said("5", "cy", true)] };
  away.begin(before);
  t.mock.timers.tick(2_999);
  assert.equal(away.isAway.value, false);
  t.mock.timers.tick(1);
  assert.equal(away.isAway.value, true);
  away.begin(after); // another try that fails changes nothing
  assert.equal(away.isLong.value, false);
  t.mock.timers.tick(27_000);
  assert.equal(away.isLong.value, true);
  away.end(after, "ann", true);
  assert.equal(away.isAway.value, false);
  assert.equal(away.isLong.value, false);
  assert.equal(away.missed.value, 2);
  t.mock.timers.tick(15_000);
  assert.equal(away.missed.value, null);
});

test("a blink is not worth a word, and neither is the first arrival", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const away = absence();
  away.begin(emptyState());
  t.mock.timers.tick(5_000);
  away.end({ ...emptyState(), messages: [said("1", "bob")] }, "ann", false);
  assert.equal(away.missed.value, null);
  away.begin(emptyState());
  t.mock.timers.tick(1_000);
  away.end(emptyState(), "ann", true);
  t.mock.timers.tick(5_000);
  assert.equal(away.isAway.value, false);
  assert.equal(away.missed.value, null);
});

test("news of the chat are read a few at a time, the first at once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {string[]} */
  const told = [];
  const news = paced((text) => told.push(text));
  news.add("Ann: hello");
  assert.deepEqual(told, ["Ann: hello"]);
  news.add("Bob: hi");
  news.add("Cy: hey");
  t.mock.timers.tick(1_999);
  assert.equal(told.length, 1);
  t.mock.timers.tick(1);
  assert.equal(told[1], "Bob: hi Cy: hey");
  for (let line = 1; line <= 40; line += 1) news.add(`Dee: ${line}`);
  t.mock.timers.tick(2_000);
  assert.equal(told[2], "40 new messages. The last from Dee: 40");
  t.mock.timers.tick(60_000);
  assert.deepEqual(told.slice(3), [""], "what was said stands there no longer");
  news.add("Ann: still there?");
  assert.equal(told.length, 5, "after a silence, at once");
  news.add("Bob: something that he takes back");
  news.clear();
  t.mock.timers.tick(60_000);
  assert.deepEqual(told.slice(5), [""]);
  news.add("Bob: yes");
  news.add("Bob: indeed");
  news.stop();
  t.mock.timers.tick(60_000);
  assert.equal(told.length, 7);
});

test("notes are taken once the class has started, also by who may not speak", () => {
  /** @param {any} status @returns {any} */
  const at = (status) => ({ state: { ...emptyState(), status }, mutedUntil: "9999-12-31T23:59:59.999Z" });
  assert.equal(keepsFromNotes(at("scheduled"))?.why, "before");
  assert.equal(keepsFromNotes(at("live")), null);
  assert.equal(keepsFromNotes(at("archived"))?.why, "over");
});

/** @param {...object} items */
const scene = (...items) => ({ scene: "1", scenes: [/** @type {any} */ ({ scene: "1", layout: { items } })] });
const CAMERA = { source: "camera", x: 7_400, y: 7_300, width: 2_500, height: 2_500 };
const SLIDE = { source: "slide", x: 0, y: 0, width: 10_000, height: 10_000 };

test("beside a page, no more than the camera is shown of a programme that has the page too", () => {
  assert.deepEqual(cameraPart(scene(SLIDE, CAMERA), "slide"), { "--top": 0.73, "--right": 0.01, "--bottom": 0.02, "--left": 0.74 });
  assert.equal(cameraPart(scene(CAMERA), "slide"), null);
  assert.equal(cameraPart(scene(SLIDE), "slide"), null);
  assert.equal(cameraPart({ scene: null, scenes: [] }, "slide"), null);
  assert.equal(showsScreen(scene({ ...SLIDE, source: "screen" }, CAMERA)), true);
  assert.equal(showsScreen(scene(SLIDE, CAMERA)), false);
});

test("a programme of nothing but the page that is shown has nothing to add to it", () => {
  const BOARD = { ...SLIDE, source: "board" };
  assert.equal(repeatsPage(scene(SLIDE), "slide"), true);
  assert.equal(repeatsPage(scene(SLIDE, BOARD), "whiteboard"), true);
  assert.equal(repeatsPage(scene(SLIDE, CAMERA), "slide"), false);
  assert.equal(repeatsPage(scene(BOARD), "slide"), false, "a title stands in for the board");
  assert.equal(repeatsPage({ scene: null, scenes: [] }, "slide"), false);
});

test("the camera is found where the composer has put it: alone, it has the stage", () => {
  const BOARD = { ...SLIDE, source: "board" };
  const stage = { width: 1280, height: 720 };
  const page = { width: 960, height: 720 };
  for (const items of [[SLIDE, CAMERA], [BOARD, CAMERA]]) {
    for (const type of /** @type {const} */ (["slide", "whiteboard", "media"])) {
      const sizes = { camera: stage, ...(type !== "media" && { slide: page }), ...(type === "whiteboard" && { board: page }) };
      const camera = arrange(items.map(whole), sizes, stage).find(({ source }) => source === "camera");
      assert.equal(cameraPart(scene(...items), type) === null, camera?.isInset === false, `${items[0].source} ${type}`);
    }
  }
  assert.equal(cameraPart(scene(BOARD, CAMERA), "slide"), null);
  assert.equal(cameraPart(scene(SLIDE, CAMERA), "media"), null);
});
