import assert from "node:assert/strict";
import { test } from "node:test";
import { cropOf, fitted, isTall, lumaOf, troubleOf } from "../src/camera.ts";

test("the crop is the oval and 40 % on each side, in the picture's pixels", () => {
  const crop = cropOf(
    { width: 1280, height: 960 },
    { width: 640, height: 480 },
    { x: 220, y: 120, width: 200, height: 240 },
  );
  assert.deepEqual(crop, { x: 280, y: 48, width: 720, height: 864 });
});

test("a wide picture that fills a phone loses its sides, and the crop stays in it", () => {
  const crop = cropOf(
    { width: 1280, height: 960 },
    { width: 390, height: 844 },
    { x: 55, y: 200, width: 280, height: 370 },
  );
  assert.ok(Math.abs(crop.x + crop.width / 2 - 640) <= 1);
  assert.ok(crop.y >= 0 && crop.y + crop.height <= 960 && crop.x >= 0 && crop.x + crop.width <= 1280);
});

test("a tall picture in a low place is shown whole, and taken whole", () => {
  const [picture, place] = [
    { width: 600, height: 1200 },
    { width: 600, height: 400 },
  ];
  assert.ok(isTall(picture, place));
  assert.ok(!isTall({ width: 1280, height: 960 }, { width: 390, height: 560 }));
  const crop = cropOf(picture, place, { x: 174, y: 32, width: 252, height: 336 }, "contain");
  assert.deepEqual(crop, { x: 0, y: 0, width: 600, height: 1200 });
});

test("pictures shrink to 1,280 px and never grow", () => {
  assert.deepEqual(fitted({ width: 5472, height: 3648 }), { width: 1280, height: 853 });
  assert.deepEqual(fitted({ width: 300, height: 400 }), { width: 300, height: 400 });
  assert.deepEqual(fitted({ width: 9000, height: 2 }), { width: 1280, height: 1 });
});

test("luma", () => {
  assert.equal(lumaOf(new Uint8ClampedArray([200, 200, 200, 255, 0, 0, 0, 255])).toFixed(3), "100.000");
  assert.equal(lumaOf(new Uint8ClampedArray()), 0);
});

test("only a refusal is a denied camera", () => {
  const trouble = (name: string) => troubleOf(new DOMException("", name));
  assert.deepEqual(["NotAllowedError", "NotFoundError", "NotReadableError"].map(trouble), [
    "denied",
    "missing",
    "missing",
  ]);
  assert.equal(troubleOf("?"), "missing");
});
