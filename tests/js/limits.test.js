// @ts-check
// What one side of the wire keeps and takes, the other does: the pages have the numbers of limits.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as lengths from "../../server/web/static/shared/lengths.js";
import * as limits from "../../server/web/static/shared/state/limits.js";

const NUMBER = /^([A-Z_]+) = ([\d_]+)(?: \* ([\d_]+))?$/gm;
const OF_FRAMES = ["FRAME_BYTES", "EVENTS_FRAME_BYTES", "SNAPSHOT_BYTES"];

const source = readFileSync(new URL("../../protocol/limits.py", import.meta.url), "utf-8");
/** @param {string} digits */
const whole = (digits) => Number(digits.replaceAll("_", ""));
const numbers = [...source.matchAll(NUMBER)].map(([, name, a, b = "1"]) => [name, whole(a) * whole(b)]);
/** Those of protocol/limits.py whose names are so. @param {RegExp} named */
const theirs = (named) => Object.fromEntries(numbers.filter(([name]) => named.test(String(name))));

test("the limits of the fold are those of protocol/limits.py", () => {
  const wanted = theirs(/^SNAPSHOT_|_BYTES$|_WEIGHT$/);
  for (const name of OF_FRAMES) delete wanted[name];
  assert.deepEqual({ ...limits }, wanted);
});

test("the lengths of texts are those of protocol/limits.py", () => {
  assert.deepEqual({ ...lengths }, theirs(/_LENGTH$/));
});
