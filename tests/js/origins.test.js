// @ts-check
// Which sites may show the classes: the school's page takes what the server takes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { MOST_ORIGINS, ORIGIN, readOrigins } from "../../server/web/static/home/school/origins.js";

test("the page and the server take the same sites", () => {
  const source = readFileSync(new URL("../../server/rest/openapi.json", import.meta.url), "utf-8");
  const { maxItems, items } = JSON.parse(source).components.schemas.TenantChange.properties.embed_origins;
  assert.equal(ORIGIN.source, new RegExp(items.pattern).source);
  assert.equal(MOST_ORIGINS, maxItems);
});

test("sites are read one from each line, as an address bar gives them", () => {
  assert.deepEqual(readOrigins("https://LMS.school.example/\n\n https://*.maple.example\nhttps://lms.school.example"), {
    origins: ["https://lms.school.example", "https://*.maple.example"],
    fault: null,
  });
  assert.equal(readOrigins("https://lms.school.example\nhttps://lms.school.example/course/7").fault, "https://lms.school.example/course/7");
  assert.deepEqual(readOrigins(" \n"), { origins: [], fault: null });
});
