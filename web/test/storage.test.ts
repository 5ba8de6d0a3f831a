import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnSearches, Store } from "../src/storage.ts";

const DAY = 86_400_000;

function browser(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage;
}

const refuses = () => {
  throw new DOMException("denied", "SecurityError");
};

test("a store that throws is memory", () => {
  const store = new Store(refuses);
  store.set("a", "1");
  assert.equal(store.get("a"), "1");
  store.set("a", null);
  assert.equal(store.get("a"), null);
});

test("where many people come, nothing is kept", () => {
  const backing = browser();
  const store = new Store(() => backing, false);
  store.set("a", "1");
  assert.equal(store.get("a"), "1");
  assert.equal(new Store(() => backing).get("a"), null);
  store.clear();
  assert.equal(store.get("a"), null);
});

test("five searches are kept, the largest first, as long as their results are", () => {
  const backing = browser();
  const own = () => new OwnSearches(new Store(() => backing), "run-abc", 30);
  for (let n = 1; n <= 7; n += 1) own().note(`id${n}`, n === 6 ? 0 : n, n);
  assert.deepEqual(
    own()
      .list(8)
      .map(({ id }) => id),
    ["id7", "id5", "id4", "id3", "id6"],
  );
  assert.deepEqual(
    own()
      .list(30 * DAY + 6)
      .map(({ id }) => id),
    ["id7"],
  );
  own().drop("id7");
  assert.equal(own().find("id7", 8), null);
});

test("a search that started is found, but not listed before its result", () => {
  const own = new OwnSearches(new Store(refuses), "run-abc", 30);
  own.note("id", null, 5);
  assert.deepEqual([own.find("id", 6)?.total, own.list(6).length], [null, 0]);
});

test("what others wrote there is nothing", () => {
  const backing = browser();
  backing.setItem("fs:x", '[1, {"id": 3}, null');
  backing.setItem("fs:y", '{"id": "a"}');
  backing.setItem("fs:z", '[1, null, {"id": 3}]');
  for (const link of ["x", "y", "z"]) assert.deepEqual(new OwnSearches(new Store(() => backing), link, 30).list(), []);
});
