import assert from "node:assert/strict";
import { test } from "node:test";
import { delayOf, type Effect, type FlowEvent, INITIAL, reduce, type State } from "../src/flow.ts";
import type { EventPage, ResultPage } from "../src/types.ts";

const EVENT: EventPage = {
  event_name: "Run",
  event_date: "2026-05-17T09:30:00",
  cover_image: null,
  organiser: null,
  privacy_url: null,
  consent: { version: "v1", text: null },
  retention: { selfie_days: 1, result_days: 30, faces_until: null },
  allows: { search: true, originals: true, watch: false, watch_days: 30 },
  photos: { complete: false, newest_at: null },
  locale: null,
  accent: null,
  max_selfie_bytes: 1,
  challenge: null,
};
const FOUND: ResultPage = { requestId: "r1", photos: [], total: 150, page: 1, pages: 2, selfieFaces: null };
const SELFIE = new Blob(["selfie"]);

function run(...events: readonly FlowEvent[]): { state: State; effects: readonly Effect[] } {
  let state: State = INITIAL;
  const effects: Effect[] = [];
  for (const event of [{ type: "event-read", event: EVENT } as const, ...events]) {
    const [next, more] = reduce(state, event);
    state = next;
    effects.push(...more);
  }
  return { state, effects };
}

const TO_CHECK: readonly FlowEvent[] = [
  { type: "consent", given: true },
  { type: "take" },
  { type: "got", selfie: SELFIE },
];
const SENT: readonly FlowEvent[] = [...TO_CHECK, { type: "send", requestId: "r1" }];
const refusal = (code: "throttled" | "no_face" | "consent_needed" | "internal", status: number) =>
  ({ type: "refused", code, status, retryAfter: 3, now: 0, jitter: 500 }) as const;
const posts = (effects: readonly Effect[]) => effects.filter((effect) => effect.do === "post");

test("nothing goes on before the guest has agreed", () => {
  const { state, effects } = run({ type: "take" });
  assert.deepEqual(state.screen, { at: "start", notice: "consent" });
  assert.deepEqual(effects, []);
});

test("the address names the search before the selfie is sent", () => {
  const { effects } = run(...SENT);
  const kinds = effects.map((effect) => effect.do);
  assert.ok(kinds.indexOf("address") < kinds.indexOf("post"));
  assert.deepEqual(posts(effects), [{ do: "post", requestId: "r1", selfie: SELFIE, consent: "v1" }]);
});

test("a refusal that passes is sent again under the same id, when its time has come", () => {
  const { state, effects } = run(...SENT, refusal("throttled", 429), { type: "due" });
  assert.equal(state.screen.at, "sending");
  assert.deepEqual(
    effects.filter((effect) => effect.do === "wait"),
    [{ do: "wait", ms: 3_500 }],
  );
  assert.equal(posts(effects).length, 2);
  assert.equal(new Set(posts(effects).map((effect) => "requestId" in effect && effect.requestId)).size, 1);
});

test("tries come to an end", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((attempt) => delayOf({ ...refusal("internal", 500), retryAfter: null }, attempt)),
    [1_000, 2_000, 4_000, 8_000, null],
  );
  assert.equal(delayOf(refusal("no_face", 400), 0), null);
});

test("a selfie that is refused leaves no address that leads to nothing", () => {
  const { state, effects } = run(...SENT, refusal("no_face", 400));
  assert.deepEqual(state.screen, { at: "problem", code: "no_face", during: "search" });
  assert.ok(effects.some((effect) => effect.do === "address" && effect.requestId === null));
});

test("a text of consent that has changed is read and agreed to again", () => {
  const { state, effects } = run(...SENT, refusal("consent_needed", 422));
  assert.deepEqual([state.screen, state.consented], [{ at: "start", notice: "consent_changed" }, false]);
  assert.ok(effects.some((effect) => effect.do === "read-event"));
});

test("an address, Back and further pages only read", () => {
  const { state, effects } = run(
    { type: "opened", requestId: "r1", own: true, pending: false },
    { type: "found", page: FOUND },
    { type: "need-page", page: 2 },
    { type: "found", page: { ...FOUND, page: 2 } },
    { type: "opened", requestId: null, own: false, pending: false },
    { type: "opened", requestId: "r1", own: true, pending: false },
  );
  assert.equal(state.screen.at, "results");
  assert.deepEqual(posts(effects), []);
  assert.equal(effects.filter((effect) => effect.do === "get").length, 2);
});

test("a deleted search is forgotten here, too", () => {
  const { state, effects } = run(
    ...SENT,
    { type: "found", page: FOUND },
    { type: "remove" },
    { type: "remove-confirmed" },
    { type: "removed" },
  );
  assert.deepEqual([state.screen, state.selfie, state.result], [{ at: "start", notice: "deleted" }, null, null]);
  assert.ok(effects.some((effect) => effect.do === "drop"));
});
