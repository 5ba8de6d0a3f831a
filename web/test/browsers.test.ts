import assert from "node:assert/strict";
import { test } from "node:test";
import { cameraSwitch, chromeAddress, inAppBrowser, isIos } from "../src/browsers.ts";

const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 8";
const MAC =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15";

const AGENTS: readonly (readonly [string, string | null])[] = [
  [`${IPHONE} Version/18.5 Mobile/15E148 Safari/604.1`, null],
  [`${IPHONE} CriOS/141.0 Mobile/15E148 Safari/604.1`, null],
  [`${IPHONE} Mobile/15E148 Instagram 390.0.0.28.85 (iPhone16,1)`, "Instagram"],
  [`${IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/520.0]`, "Facebook"],
  [`${IPHONE} Mobile/15E148`, ""],
  [`${ANDROID}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile Safari/537.36`, null],
  [`${ANDROID}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/141.0 Mobile Safari/537.36`, ""],
  [`${ANDROID}; wv) AppleWebKit/537.36 Version/4.0 Chrome/141.0 Mobile Safari/537.36 Line/15.1`, "LINE"],
  [MAC, null],
];

for (const [agent, app] of AGENTS) {
  test(`${agent.slice(-48)} is ${app === null ? "a browser" : `the app "${app}"`}`, () => {
    assert.equal(inAppBrowser(agent), app);
  });
}

test("an iPad calls itself a Mac, but is touched", () => {
  assert.ok(isIos(MAC, 5));
  assert.ok(!isIos(MAC, 0));
});

test("each system has its camera switch in another place", () => {
  assert.deepEqual(
    [cameraSwitch(IPHONE, 5), cameraSwitch(ANDROID, 5), cameraSwitch(MAC, 0)],
    ["ios", "android", "desktop"],
  );
});

test("Android apps can hand the page to a browser, with its search", () => {
  const address = chromeAddress("https://photos.example/e/run-abc?r=1", ANDROID);
  assert.equal(address, "intent://photos.example/e/run-abc?r=1#Intent;scheme=https;end");
  assert.equal(chromeAddress("https://photos.example/e/run-abc", IPHONE), null);
});
