// @ts-check
// What one side of the wire keeps, the other keeps: limits.js has the numbers of limits.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as limits from "../../server/web/static/shared/state/limits.js";

const NUMBER = /^([A-Z_]+) = ([\d_]+)(?: \* ([\d_]+))?$/gm;

/** @param {string} digits */
const whole = (digits) => Number(digits.replaceAll("_", ""));

test("the limits of the fold are those of protocol/limits.py", () => {
  const source = readFileSync(new URL("../../protocol/limits.py", import.meta.url), "utf-8");
  const theirs = Object.fromEntries(
    [...source.matchAll(NUMBER)].map(([, name, a, b = "1"]) => [name, whole(a) * whole(b)]),
  );
  const isOfTheFold = (/** @type {string} */ name) =>
    /^SNAPSHOT_|_BYTES$|_WEIGHT$/.test(name)
    && !["FRAME_BYTES", "EVENTS_FRAME_BYTES", "SNAPSHOT_BYTES"].includes(name);
  assert.deepEqual(
    { ...limits },
    Object.fromEntries(Object.entries(theirs).filter(([name]) => isOfTheFold(name))),
  );
});
