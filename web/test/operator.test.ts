import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, count, day, duration, several } from "../operator/src/format.ts";
import { address, parse } from "../operator/src/route.ts";

test("an address comes back as the screen that it was made of", () => {
  const routes = [
    { screen: "start" },
    { screen: "queues" },
    { screen: "errors" },
    { screen: "events", org: 903, page: 1 },
    { screen: "events", org: 903, page: 7 },
    { screen: "photos", event: 456, filter: "all", name: "", photo: null },
    { screen: "photos", event: 456, filter: "no_face", name: "IMG 1&2?#/é", photo: "abc-1" },
    { screen: "searches", event: 456, begin: "00f" },
  ] as const;
  for (const route of routes) assert.deepEqual(parse(address(route)), route);
});

test("what is no address is the start, and no filter is all", () => {
  for (const hash of ["", "#", "#/nothing", "#/orgs/x", "#/events/1e9/photos", "#/events/-1"])
    assert.deepEqual(parse(hash), { screen: "start" });
  assert.deepEqual(parse("#/events/1/photos?filter=evil"), parse("#/events/1"));
});

test("a count that stopped at its bound is rounded down and says so", () => {
  assert.deepEqual([count(null), count(0), count(1913)], ["–", "0", "1,913"]);
  assert.deepEqual([count(1913, true), count(1000, true), count(7, true)], ["1,900+", "1,000+", "7+"]);
  assert.deepEqual(
    [several(1, "photo"), several(2, "search"), several(1, "photo", true)],
    ["1 photo", "2 searches", "1+ photos"],
  );
});

test("ages are in the largest unit that says enough", () => {
  assert.deepEqual([45, 60, 3599, 3600, 86_400, 172_800].map(duration), [
    "45 s",
    "1 min",
    "59 min",
    "1 h",
    "24 h",
    "2 d",
  ]);
  assert.deepEqual([ago(98, 100), ago(40, 100), ago(200, 100)], ["just now", "1 min ago", "just now"]);
  assert.equal(day("2026-05-17T10:00:00"), "17 May 2026");
});
