// @ts-check
// Which camera is asked for, what has come since, and how loudness is told.
import assert from "node:assert/strict";
import test from "node:test";

import { arrivals, resolve, sorted } from "../../server/web/static/shared/devices.js";
import { held, lit, loudness } from "../../server/web/static/shared/ui/meter.js";

const BUILT_IN = { id: "a1", label: "FaceTime HD" };
const USB = { id: "b2", label: "USB camera" };

/** @type {[string, any, any[], string][]} */
const CASES = [
  ["the one itself", { id: "b2", label: "USB camera" }, [BUILT_IN, USB], "b2"],
  ["the one of that name, where ids are given anew", { id: "old", label: "USB camera" }, [BUILT_IN, USB], "b2"],
  ["the browser's choice, when it is gone", { id: "old", label: "Capture card" }, [BUILT_IN, USB], ""],
  ["the browser's choice, when nothing was chosen", { id: "", label: "" }, [BUILT_IN, USB], ""],
  ["no name is no name", { id: "old", label: "" }, [{ id: "c3", label: "" }], ""],
];
for (const [name, wanted, there, expected] of CASES) {
  test(`a device is asked for: ${name}`, () => assert.equal(resolve(wanted, there), expected));
}

test("devices are sorted by what they do, aliases left out", () => {
  const all = /** @type {const} */ ([
    { kind: "audioinput", deviceId: "default", label: "Default - Headset" },
    { kind: "audioinput", deviceId: "m1", label: "Headset" },
    { kind: "audiooutput", deviceId: "s1", label: "Speakers" },
    { kind: "videoinput", deviceId: "", label: "" },
    { kind: "videoinput", deviceId: "a1", label: "FaceTime HD" },
  ]);
  assert.deepEqual(sorted([...all]), {
    camera: [BUILT_IN],
    microphone: [{ id: "m1", label: "Headset" }],
    speaker: [{ id: "s1", label: "Speakers" }],
  });
});

test("what was plugged in is told with its role, what was there is not", () => {
  const before = { camera: [BUILT_IN], microphone: [], speaker: [] };
  assert.deepEqual(arrivals(before, { ...before, camera: [BUILT_IN, USB] }), [{ role: "camera", device: USB }]);
  assert.deepEqual(arrivals(before, { ...before, camera: [] }), []);
});

test("twelve segments, and a peak that stays for a moment", () => {
  assert.deepEqual([0, 0.5, 1].map(lit), [0, 6, 12]);
  assert.deepEqual([0, 0.2, 0.7, 0.99].map(loudness), ["silent", "quiet", "good", "loud"]);
  const peak = held({ level: 0, at: 0 }, 0.8, 100);
  assert.deepEqual(held(peak, 0.3, 1_000), { level: 0.8, at: 100 });
  assert.deepEqual(held(peak, 0.9, 1_000), { level: 0.9, at: 1_000 });
  assert.deepEqual(held(peak, 0.3, 1_700), { level: 0.3, at: 1_700 });
});
