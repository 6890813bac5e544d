// @ts-check
// Where the sources of a scene are drawn, and the small decisions around the programme.
import assert from "node:assert/strict";
import test from "node:test";

import { itemsOnAir, shows, whole } from "../../server/web/static/shared/scene.js";
import { KINDS, arrange, isBand, kindOf } from "../../server/web/static/studio/composer/layout.js";
import { talk } from "../../server/web/static/studio/composer/voice.js";

const STAGE = { width: 1280, height: 720 };
const CAMERA = { width: 1280, height: 720 };
const SLIDE = { width: 960, height: 720 };

/** @param {string} kind @param {object} sizes */
const placed = (kind, sizes) =>
  arrange(KINDS[kind].map(whole), sizes, STAGE).map(({ source, to }) => [source, to.x, to.y, to.width, to.height]);

/** @type {[string, string, object, any[]][]} */
const CASES = [
  ["a camera fills the stage", "camera", { camera: CAMERA }, [["camera", 0, 0, 1280, 720]]],
  ["a page of 4:3 is seen whole, in the middle", "slide", { slide: SLIDE }, [["slide", 160, 0, 960, 720]]],
  ["the camera sits in the corner, before the page", "corner", { slide: SLIDE, camera: CAMERA }, [["slide", 160, 0, 960, 720], ["camera", 947, 533, 320, 180]]],
  ["without a page, the camera has the stage", "corner", { camera: CAMERA }, [["camera", 0, 0, 1280, 720]]],
  ["without a camera, the page has it", "corner", { slide: SLIDE }, [["slide", 160, 0, 960, 720]]],
  ["side by side, nothing covers anything", "side", { slide: SLIDE, camera: CAMERA }, [["slide", 42, 50, 825, 619], ["camera", 902, 162, 358, 396]]],
  ["alone, even what stood beside has the stage", "side", { camera: CAMERA }, [["camera", 0, 0, 1280, 720]]],
  ["a screen is seen whole", "screen", { screen: { width: 2560, height: 1080 } }, [["screen", 0, 90, 1280, 540]]],
  ["the others stay out of a screen's scene", "screen", { camera: CAMERA, slide: SLIDE }, [["title", 0, 0, 1280, 720]]],
  ["a title needs nobody", "title", { camera: CAMERA }, [["title", 0, 0, 1280, 720]]],
  ["a stage is never empty", "camera", {}, [["title", 0, 0, 1280, 720]]],
];
for (const [name, kind, sizes, expected] of CASES) {
  test(`layout: ${name}`, () => assert.deepEqual(placed(kind, sizes), expected));
}

test("a camera of another shape loses its edges, not its proportions", () => {
  const [{ from, to }] = arrange(KINDS.camera.map(whole), { camera: { width: 640, height: 480 } }, STAGE);
  assert.deepEqual(from, { x: 0, y: 60, width: 640, height: 360 });
  assert.equal(from.width / from.height, to.width / to.height);
  const tall = arrange(KINDS.side.map(whole), { slide: SLIDE, camera: CAMERA }, STAGE)[1];
  assert.ok(Math.abs(tall.from.width / tall.from.height - tall.to.width / tall.to.height) < 1e-9);
  assert.equal(Math.round(tall.from.height), 720);
});

test("whatever is there, all of it is on the stage", () => {
  const shapes = [CAMERA, SLIDE, { width: 100, height: 2000 }, { width: 3840, height: 1080 }];
  for (const kind of Object.keys(KINDS)) {
    for (const camera of [...shapes, undefined]) {
      for (const slide of [...shapes, undefined]) {
        const sizes = { ...(camera && { camera }), ...(slide && { slide, screen: slide }) };
        const found = arrange(KINDS[kind].map(whole), sizes, STAGE);
        assert.ok(found.length > 0);
        for (const { from, to, source } of found) {
          assert.ok(to.x >= 0 && to.y >= 0 && to.x + to.width <= 1280 && to.y + to.height <= 720, `${kind} ${source}`);
          assert.ok(from.x >= 0 && from.y >= 0 && from.width > 0 && from.height > 0);
        }
      }
    }
  }
});

test("a band lies before what goes on, with its own words", () => {
  const items = [whole({ source: "camera" }), whole({ source: "title", y: 8_500, height: 1_100, text: "Part 2" })];
  const [behind, band] = arrange(items, { camera: CAMERA }, STAGE);
  assert.equal(behind.source, "camera");
  assert.deepEqual([band.text, band.to], ["Part 2", { x: 0, y: 612, width: 1280, height: 79 }]);
  assert.equal(isBand(band.to, STAGE), true);
  assert.equal(isBand(behind.to, STAGE), false);
});

test("a scene is known by what it shows, however it is written", () => {
  assert.equal(kindOf([{ source: "camera" }]), "camera");
  assert.equal(kindOf([whole({ source: "slide" }), whole({ source: "camera", x: 7_400, y: 7_400, width: 2_500, height: 2_500 })]), "corner");
  assert.equal(kindOf([whole({ source: "title", text: "Break" })]), null);
  assert.equal(shows(KINDS.corner, "slide", "board"), true);
  assert.equal(shows(KINDS.camera, "slide", "board"), false);
});

test("before a scene was chosen, and after it is gone, the camera is on air", () => {
  const scenes = [{ scene: "s1", name: "Mine", layout: { items: KINDS.slide.map(whole) }, touched: 1 }];
  assert.deepEqual(itemsOnAir({ scenes, scene: null }), [whole({ source: "camera" })]);
  assert.deepEqual(itemsOnAir({ scenes, scene: "s1" }), [whole({ source: "slide" })]);
  assert.deepEqual(itemsOnAir({ scenes, scene: "s2" }), [whole({ source: "camera" })]);
});

test("talk is a second of voice with its pauses, not a cough", () => {
  const talks = talk();
  const said = (/** @type {number} */ from, /** @type {number} */ to, level = 0.5) => {
    let last = false;
    for (let now = from; now < to; now += 100) last = talks(level, now);
    return last;
  };
  assert.equal(said(0, 400), false);
  assert.equal(said(400, 2_000, 0.05), false);
  assert.equal(said(2_000, 2_900), false);
  assert.equal(said(2_900, 3_200, 0.05), true);
  assert.equal(said(3_200, 3_600), true);
  assert.equal(said(3_600, 4_200, 0.05), false);
});
