// @ts-check
// The page says why somebody may not write, by the rules that the server keeps.
import assert from "node:assert/strict";
import test from "node:test";

import { keepsFromAsking, keepsFromChat } from "../../server/web/static/shared/speaking.js";
import { emptyState } from "../../server/web/static/shared/state.js";

const NOW = Date.parse("2026-11-22T09:00:10.000Z");
const FOREVER = "9999-12-31T23:59:59.999Z";

/** @param {{status?: any, chat?: object, messages?: any[]}} state @param {object} [rest] @returns {any} */
const speaker = ({ chat = {}, ...state }, rest = {}) => ({
  state: { ...emptyState(), status: "live", ...state, chat: { ...emptyState().chat, ...chat } },
  isStaff: false,
  user: "ann",
  mutedUntil: null,
  toStaff: [],
  now: NOW,
  ...rest,
});
/** @param {string} at @param {string} by */
const message = (at, by = "ann") => ({ by, at: `2026-11-22T09:00:${at}.000Z` });

/** @type {[string, any, any][]} */
const CASES = [
  ["a live class is open", speaker({}), null],
  ["before the start it is closed", speaker({ status: "scheduled" }), { why: "before", until: null }],
  ["unless it opens earlier", speaker({ status: "scheduled", chat: { before_start: true } }), null],
  ["staff write before the start", speaker({ status: "scheduled" }, { isStaff: true }), null],
  ["nobody writes after the end", speaker({ status: "ended" }, { isStaff: true }), { why: "over", until: null }],
  ["a closed chat", speaker({ chat: { enabled: false } }), { why: "off", until: null }],
  ["is open to staff", speaker({ chat: { enabled: false } }, { isStaff: true }), null],
  ["muted for good", speaker({}, { mutedUntil: FOREVER }), { why: "muted", until: null }],
  ["muted for a while", speaker({}, { mutedUntil: "2026-11-22T09:01:00.000Z" }), { why: "muted", until: NOW + 50_000 }],
  ["a mute that has ended", speaker({}, { mutedUntil: "2026-11-22T09:00:10.000Z" }), null],
  ["slow mode", speaker({ chat: { slow_mode_s: 5 }, messages: [message("01"), message("07")] }), { why: "slow", until: NOW + 2_000 }],
  ["slow mode counts what went to staff", speaker({ chat: { slow_mode_s: 5 } }, { toStaff: [message("06")] }), { why: "slow", until: NOW + 1_000 }],
  ["the others' messages cost nothing", speaker({ chat: { slow_mode_s: 5 }, messages: [message("09", "bob")] }), null],
  ["slow mode is over", speaker({ chat: { slow_mode_s: 5 }, messages: [message("05")] }), null],
];

for (const [name, who, expected] of CASES) {
  test(`writing: ${name}`, () => assert.deepEqual(keepsFromChat(who), expected));
}

test("questions are asked in a live class, whatever the chat is like, by who is not muted", () => {
  assert.equal(keepsFromAsking(speaker({ chat: { enabled: false, slow_mode_s: 9 }, messages: [message("09")] })), null);
  assert.equal(keepsFromAsking(speaker({ status: "scheduled", chat: { before_start: true } }))?.why, "before");
  assert.equal(keepsFromAsking(speaker({}, { mutedUntil: FOREVER }))?.why, "muted");
  assert.equal(keepsFromAsking(speaker({ status: "ended" }))?.why, "over");
});
