// @ts-check
// What the school's page offers to be told of is what protocol/rest/webhooks.py knows.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { EVENTS, PERSONAL } from "../../server/web/static/home/school/events.js";

const source = readFileSync(new URL("../../protocol/rest/webhooks.py", import.meta.url), "utf-8");

/** The texts within what a pattern finds. @param {RegExp} pattern */
const texts = (pattern) => (source.match(pattern)?.[1].match(/[\w.]+(?=")/g) ?? []).sort();

test("every event that can be told is offered", () => {
  assert.deepEqual([...EVENTS].sort(), texts(/^WebhookEvent: TypeAlias = Literal\[([^\]]*)\]/m));
});

test("those that name people are known", () => {
  assert.deepEqual([...PERSONAL].sort(), texts(/^PERSONAL: .*frozenset\(\(([^)]*)\)\)/m));
});
