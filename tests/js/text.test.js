// @ts-check
// What people write: addresses and code, and no markup ever.
import assert from "node:assert/strict";
import test from "node:test";

import { Text } from "../../server/web/static/shared/text.js";

/** @param {string} text @returns {any[]} */
const parts = (text) =>
  /** @type {any[]} */ (Text({ text })).filter((part) => part !== "").map((part) => (typeof part === "string" ? part : [part.type, part.props.href ?? part.props.children]));

test("an address leads there, without the full stop behind it", () => {
  assert.deepEqual(parts("See https://school.example/a?b=c#d."), ["See ", ["a", "https://school.example/a?b=c#d"], "."]);
  assert.deepEqual(parts("(http://x.example)"), ["(", ["a", "http://x.example"], ")"]);
});

test("code is code, and nothing else is anything", () => {
  assert.deepEqual(parts("use `f(x)` here"), ["use ", ["code", "f(x)"], " here"]);
  assert.deepEqual(parts("<b>hello</b> javascript:alert(1)"), ["<b>hello</b> javascript:alert(1)"]);
  assert.deepEqual(parts("a ` b"), ["a ` b"]);
});
