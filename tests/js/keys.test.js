// @ts-check
// Which key means what, and when keys rest.
import assert from "node:assert/strict";
import test from "node:test";

import { areOn, asked, hinted, keyed } from "../../server/web/static/shared/keys.js";

const SHORTCUTS = [{ key: "r" }, { key: "?" }, { key: "ArrowLeft" }, { key: "Control+d" }, { key: "Control+z", yields: true }];
const NOW = { isTaken: false, isOn: true };

/** @param {string} key @param {object} [more] */
const event = (key, more = {}) => ({ key, code: "", ctrlKey: false, metaKey: false, altKey: false, ...more });
/** @param {string} key @param {object} [more] @param {object} [now] */
const meant = (key, more = {}, now = {}) => asked(event(key, more), SHORTCUTS, { ...NOW, ...now })?.key;

test("a key is meant in small and in large, and in the script of any keyboard", () => {
  assert.equal(meant("r"), "r");
  assert.equal(meant("R"), "r");
  assert.equal(meant("к", { code: "KeyR" }), "r");
  assert.equal(meant("?"), "?");
  assert.equal(meant("ArrowLeft"), "ArrowLeft");
  assert.equal(meant("x"), undefined);
});

test("a single key rests while somebody writes, and when it is switched off", () => {
  assert.equal(meant("r", {}, { isTaken: true }), undefined);
  assert.equal(meant("r", {}, { isOn: false }), undefined);
});

test("a key with Control works always, and is another than the key alone", () => {
  assert.equal(meant("d"), undefined);
  assert.equal(meant("d", { ctrlKey: true }), "Control+d");
  assert.equal(meant("d", { metaKey: true }, { isTaken: true, isOn: false }), "Control+d");
  assert.equal(meant("r", { ctrlKey: true }), undefined, "reloading stays reloading");
  assert.equal(meant("r", { altKey: true }), undefined);
});

test("a key that a field knows is the field's while somebody writes", () => {
  assert.equal(meant("z", { ctrlKey: true }), "Control+z");
  assert.equal(meant("z", { metaKey: true }, { isOn: false }), "Control+z");
  assert.equal(meant("z", { ctrlKey: true }, { isTaken: true }), undefined);
});

test("controls name their key while it works", () => {
  assert.equal(keyed("r"), "R");
  assert.equal(hinted("Raise hand", "r"), "Raise hand (R)");
  areOn.value = false;
  assert.equal(keyed("r"), undefined);
  assert.equal(hinted("Raise hand", "r"), "Raise hand");
  assert.equal(keyed("Control+d"), "Control+D");
  areOn.value = true;
});
