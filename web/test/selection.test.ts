import assert from "node:assert/strict";
import { test } from "node:test";

import { all, extend, inOrder, NOTHING, toggle } from "../src/results/selection.ts";

test("a click selects, another one takes it back", () => {
  const one = toggle(NOTHING, 4);
  assert.deepEqual(inOrder(one), [4]);
  assert.deepEqual(inOrder(toggle(one, 4)), []);
});

test("Shift selects all from the last click on, in either direction", () => {
  const five = toggle(NOTHING, 5);
  assert.deepEqual(inOrder(extend(five, 8)), [5, 6, 7, 8]);
  assert.deepEqual(inOrder(extend(five, 3)), [3, 4, 5]);
});

test("Shift takes back where the last click took back", () => {
  const without = toggle(all(6), 2);
  assert.deepEqual(inOrder(extend(without, 4)), [0, 1, 5]);
});

test("Shift without a click before selects one", () => {
  assert.deepEqual(inOrder(extend(NOTHING, 3)), [3]);
});

test("all are the ones that are not loaded, too, in order", () => {
  assert.deepEqual(inOrder(toggle(all(12), 11)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("a selection is never changed in place", () => {
  const one = toggle(NOTHING, 1);
  toggle(one, 2);
  extend(one, 9);
  assert.deepEqual(inOrder(one), [1]);
});
