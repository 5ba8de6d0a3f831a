import assert from "node:assert/strict";
import { test } from "node:test";

import { photoInAddress } from "../src/results/address.ts";
import { type Found, PhotoList } from "../src/results/list.ts";
import type { Photo, ResultPage } from "../src/types.ts";

const photo = (id: string): Photo => ({ id, thumb: "", large: "", width: 3, height: 2 });

function found(pages: string[] = []): Found {
  return {
    requestId: "r",
    total: 250,
    photos: Array.from({ length: 100 }, (_, i) => photo(`p${i}`)),
    newPhotos: [
      { ...photo("n0"), requestId: "later", position: 7 },
      { ...photo("n1"), requestId: "later", position: 130 },
    ],
    api: {
      page: async (requestId, page = 1) => {
        pages.push(`${requestId} ${page}`);
        if (requestId === "gone") throw new Error("no such search");
        const photos = Array.from({ length: 50 }, (_, i) => photo(`${requestId}-${page}-${i}`));
        return { photos } as unknown as ResultPage;
      },
      originals: async () => ({ links: [], failed: [] }),
    },
  };
}

test("new photos come first, and each photo knows its place in its own search", () => {
  const list = new PhotoList(found());
  assert.equal(list.count, 252);
  assert.equal(list.loaded, 102);
  assert.deepEqual(
    [0, 2, 101].map((at) => list.at(at)?.id),
    ["n0", "p0", "p99"],
  );
  assert.equal(list.at(102), undefined);
  assert.deepEqual(list.wanted(1), { at: 1, requestId: "later", position: 130 });
  assert.deepEqual(list.wanted(2), { at: 2, requestId: "r", position: 0 });
});

test("a photo that is not loaded is read with its page, once", async () => {
  const pages: string[] = [];
  const list = new PhotoList(found(pages));
  assert.equal((await list.find(list.wanted(2))).id, "p0");
  const ids = await Promise.all([102, 103].map(async (at) => (await list.find(list.wanted(at))).id));
  assert.deepEqual(ids, ["r-2-0", "r-2-1"]);
  assert.equal((await list.find(list.wanted(1))).id, "later-2-30");
  assert.deepEqual(pages, ["r 2", "later 2"]);
});

test("a page that failed is read anew, and a place without a photo is an error", async () => {
  const pages: string[] = [];
  const list = new PhotoList(found(pages));
  const gone = { at: 0, requestId: "gone", position: 0 };
  await assert.rejects(list.find(gone));
  await assert.rejects(list.find(gone));
  assert.deepEqual(pages, ["gone 1", "gone 1"]);
  await assert.rejects(list.find({ at: 0, requestId: "r", position: 199 }));
});

test("the open photo in the address counts from 1", () => {
  assert.equal(photoInAddress("#p=1"), 0);
  assert.equal(photoInAddress("#p=23"), 22);
  for (const hash of ["", "#p=0", "#p=-1", "#p=1e9", "#p=12345678", "#p=2&x", "#q=2"])
    assert.equal(photoInAddress(hash), null);
});
