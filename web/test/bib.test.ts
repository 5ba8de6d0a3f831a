import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../src/api.ts";
import { bibOf, isBib } from "../src/bib.ts";

Object.assign(globalThis, { location: { href: "https://photos.example/" } });
const ID = "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31";

test("a bib is what the API takes, however it was typed", () => {
  const typed: Record<string, string> = { "123": "123", " # 1024 ": "1024", "f 7\t": "F7", "१२३": "123", "0": "0" };
  for (const [text, bib] of Object.entries(typed)) assert.equal(bibOf(text), bib, text);
  for (const text of [null, "", " ", "#", "##1", "1-2", "1#", "ß", "ı", "１", "a/b", "1".repeat(17)])
    assert.equal(bibOf(text), null, String(text));
});

test("no request_id is taken for a bib", () => {
  assert.deepEqual([null, ID, ID.replaceAll("-", ""), "1".repeat(16), "F7"].map(isBib), [
    false,
    false,
    false,
    true,
    true,
  ]);
});

test("a bib has routes and a method of its own", async () => {
  const asked: unknown[] = [];
  const respond = async (url: RequestInfo | URL, init?: RequestInit) => {
    const { pathname, searchParams } = new URL(String(url));
    asked.push([pathname.split("/2/")[1], searchParams.get("page"), init?.body ?? null]);
    const image = { image_id: "a", thumbnail_url: "", img_url: "", width: null, height: null };
    const images = [image, { ...image, matched_by: "face" }, { ...image, matched_by: "bib" }];
    const pagination = { total: 3, currentPage: 1, totalPages: 1 };
    return Response.json({ data: { images, pagination, presigned_urls: [], failed_urls: [] } });
  };
  const api = new Api({
    base: "https://faces.example",
    org: 1,
    event: 2,
    token: () => "t",
    fetch: respond as typeof fetch,
  });
  const { requestId, photos } = await api.page("F7", 1);
  assert.deepEqual([requestId, photos.map((photo) => photo.byBib)], ["F7", [false, false, true]]);
  assert.equal((await api.page(ID, 2)).requestId, ID);
  await api.originals("F7", 3);
  assert.deepEqual(asked, [
    ["bibs/F7", "1", null],
    [`faces/${ID}`, "2", null],
    ["original-photos", "3", '{"method":"bib","identifier":"F7"}'],
  ]);
});
