import assert from "node:assert/strict";
import { test } from "node:test";

import { aspectOf, type Row, rowsOf, type Shape, type Size, targetFor } from "../src/results/grid.ts";
import { move } from "../src/results/keys.ts";

/** Numbers that look random and are the same on every run (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function made(seed: number): { sizes: Size[]; shape: Shape } {
  const roll = dice(seed);
  const width = 300 + Math.floor(roll() * 1300);
  const shape = { width, target: targetFor(width), gap: 2 + Math.floor(roll() * 8) };
  const sizes = Array.from({ length: 1 + Math.floor(roll() * 120) }, () => {
    const kind = roll();
    if (kind < 0.1) return { width: null, height: null };
    if (kind < 0.2) return { width: 8000, height: 900 };
    if (kind < 0.3) return { width: 500, height: 3000 };
    return { width: 1000 + Math.floor(roll() * 5000), height: 1000 + Math.floor(roll() * 5000) };
  });
  return { sizes, shape };
}

const widthOf = (row: Row, gap: number) =>
  row.boxes.reduce((sum, box) => sum + box.width, 0) + gap * (row.boxes.length - 1);

test("300 made-up lists: order kept, rows below each other, width filled, heights bounded", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { sizes, shape } = made(seed);
    const rows = rowsOf(sizes, shape);
    assert.deepEqual(
      rows.flatMap((row) => row.boxes.map((box) => box.index)),
      sizes.map((_, i) => i),
    );
    rows.forEach((row, i) => {
      const before = rows[i - 1];
      assert.equal(row.top, before ? before.top + before.height + shape.gap : 0);
      assert.ok(row.boxes.every((box) => box.width >= 1 && Number.isInteger(box.width)));
      if (i < rows.length - 1) assert.equal(widthOf(row, shape.gap), shape.width, `seed ${seed}, row ${i}`);
      else assert.ok(widthOf(row, shape.gap) <= shape.width, `seed ${seed}`);
      assert.ok(row.height <= shape.target * 2.1 && row.height >= shape.target / 2.1, `seed ${seed}: ${row.height}`);
    });
  }
});

test("another page of photos moves no row but the last", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { sizes, shape } = made(seed);
    const some = rowsOf(sizes.slice(0, Math.ceil(sizes.length / 2)), shape);
    assert.deepEqual(rowsOf(sizes, shape).slice(0, some.length - 1), some.slice(0, -1));
  }
});

test("a photo of unknown size is 3:2, and a panorama is cropped", () => {
  assert.equal(aspectOf({ width: null, height: null }), 1.5);
  assert.equal(aspectOf({ width: 0, height: 100 }), 1.5);
  assert.equal(aspectOf({ width: 10_000, height: 1000 }), 2.5);
  assert.equal(aspectOf({ width: 600, height: 800 }), 0.75);
});

test("a lonely photo in the last row keeps the target's height", () => {
  const shape = { width: 1200, target: 220, gap: 4 };
  const rows = rowsOf(Array(5).fill({ width: 600, height: 400 }), shape);
  assert.deepEqual(
    rows.map((row) => row.boxes.length),
    [4, 1],
  );
  assert.equal(rows[1]?.height, 220);
  assert.equal(rows[1]?.boxes[0]?.width, 330);
});

test("one photo alone may be larger, but no wider than the page", () => {
  const [portrait] = rowsOf([{ width: 400, height: 600 }], { width: 358, target: 150, gap: 4 });
  assert.equal(portrait?.height, 255);
  const [landscape] = rowsOf([{ width: 600, height: 400 }], { width: 358, target: 150, gap: 4 });
  assert.deepEqual([landscape?.height, landscape?.boxes[0]?.width], [239, 358]);
});

test("nothing gives no rows, and a second list counts on from the first", () => {
  assert.deepEqual(rowsOf([], { width: 300, target: 150, gap: 4 }), []);
  const rows = rowsOf([{ width: 1, height: 1 }], { width: 300, target: 150, gap: 4 }, 7);
  assert.equal(rows[0]?.boxes[0]?.index, 7);
});

test("arrows go by what is seen: the nearest middle above and below, and never out of the list", () => {
  const rows: Row[] = [
    {
      top: 0,
      height: 100,
      boxes: [
        { index: 0, width: 100 },
        { index: 1, width: 300 },
      ],
    },
    {
      top: 104,
      height: 100,
      boxes: [
        { index: 2, width: 200 },
        { index: 3, width: 100 },
        { index: 4, width: 92 },
      ],
    },
  ];
  const from = (index: number, key: Parameters<typeof move>[2], rtl = false) => move(rows, index, key, 4, rtl);
  assert.equal(from(0, "ArrowRight"), 1);
  assert.equal(from(1, "ArrowRight"), 2);
  assert.equal(from(4, "ArrowRight"), 4);
  assert.equal(from(0, "ArrowLeft"), 0);
  assert.equal(from(1, "ArrowLeft", true), 2);
  assert.equal(from(0, "ArrowDown"), 2);
  assert.equal(from(1, "ArrowDown"), 3);
  assert.equal(from(4, "ArrowUp"), 1);
  assert.equal(from(0, "ArrowUp"), 0);
  assert.equal(from(3, "ArrowDown"), 3);
  assert.equal(from(3, "Home"), 0);
  assert.equal(from(0, "End"), 4);
});
