import assert from "node:assert/strict";
import { test } from "node:test";
import { delayOf, type Effect, type FlowEvent, INITIAL, type Refusal, reduce, type State } from "../src/flow.ts";
import type { EventPage, ResultPage } from "../src/types.ts";

const EVENT = {
  event_name: "White House 10 km",
  consent: { version: "standard-1", text: null },
  retention: { selfie_days: 1, result_days: 30, faces_until: null },
  allows: { search: true, originals: true, watch: false, watch_days: 0 },
  photos: { complete: false, newest_at: null },
} as unknown as EventPage;
const SELFIE = new Blob(["selfie"]);
const ID = "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31";

function run(state: State, ...events: FlowEvent[]): [State, Effect[]] {
  let effects: readonly Effect[] = [];
  for (const event of events) [state, effects] = reduce(state, event);
  return [state, [...effects]];
}

const kinds = (effects: readonly Effect[]) => effects.map((effect) => effect.do);
const page = (over: Partial<ResultPage> = {}): ResultPage => ({
  requestId: ID,
  photos: [{ id: "a", thumb: "", large: "", width: null, height: null }],
  total: 1,
  page: 1,
  pages: 1,
  selfieFaces: null,
  ...over,
});
const refusal = (over: Partial<Refusal>): Extract<FlowEvent, { type: "refused" }> => ({
  type: "refused",
  code: "internal",
  status: 500,
  retryAfter: null,
  now: 1000,
  jitter: 0,
  ...over,
});

const [START] = run(INITIAL, { type: "event-read", event: EVENT });
const [CHECK] = run(START, { type: "consent", given: true }, { type: "take" }, { type: "got", selfie: SELFIE });
const [SENDING] = run(CHECK, { type: "send", requestId: ID });
const [READING] = run(START, { type: "opened", requestId: ID, own: true, pending: false });

test("from the start to results, with one POST", () => {
  assert.equal(CHECK.screen.at, "check");
  const [sending, effects] = run(CHECK, { type: "send", requestId: ID });
  assert.deepEqual(kinds(effects), ["stop", "address", "note", "tell", "post"]);
  assert.deepEqual(effects[4], { do: "post", requestId: ID, selfie: SELFIE, consent: "standard-1", bib: null });
  const [results, after] = run(sending, { type: "found", page: page() });
  assert.equal(results.screen.at, "results");
  assert.deepEqual(after, [{ do: "stop" }, { do: "note", requestId: ID, total: 1 }, { do: "tell", what: "results" }]);
});

test("without consent neither camera nor file nor POST", () => {
  for (const event of [{ type: "take" }, { type: "choose", capture: false }] as const) {
    const [state, effects] = run(START, event);
    assert.deepEqual([state.screen, effects], [{ at: "start", notice: "consent" }, []]);
  }
  const [dropped] = run(START, { type: "got", selfie: SELFIE });
  assert.deepEqual(kinds(run(dropped, { type: "send", requestId: ID })[1]), []);
});

test("an event that asks for no consent sends none", () => {
  const [state] = run(INITIAL, { type: "event-read", event: { ...EVENT, consent: null } });
  const [, effects] = run(state, { type: "take" }, { type: "got", selfie: SELFIE }, { type: "send", requestId: ID });
  assert.deepEqual(effects.at(-1), { do: "post", requestId: ID, selfie: SELFIE, consent: null, bib: null });
});

test("a search that is closed says so, but results still open", () => {
  const closed = { ...EVENT, allows: { ...EVENT.allows, search: false } };
  const [state] = run(INITIAL, { type: "event-read", event: closed });
  assert.deepEqual(state.screen, { at: "problem", code: "search_off", during: "event" });
  assert.equal(run(state, { type: "opened", requestId: ID, own: true, pending: false })[0].screen.at, "reading");
});

test("what fails may pass: 1, 2, 4, 8 s, the same request_id, then the guest is asked", () => {
  let state = SENDING;
  for (const ms of [1000, 2000, 4000, 8000]) {
    const [waits, effects] = run(state, refusal({}));
    assert.deepEqual(effects, [{ do: "wait", ms }]);
    const [again, posts] = run(waits, { type: "due" });
    assert.deepEqual(posts.at(-1), { do: "post", requestId: ID, selfie: SELFIE, consent: "standard-1", bib: null });
    state = again;
  }
  const [gaveUp] = run(state, refusal({}));
  assert.deepEqual(gaveUp.screen, { at: "problem", code: "internal", during: "search" });
  const [, effects] = run(gaveUp, { type: "retry" });
  assert.deepEqual(effects.at(-1), { do: "post", requestId: ID, selfie: SELFIE, consent: "standard-1", bib: null });
});

test("a queue waits as long as it is told, and a little by chance", () => {
  const told = refusal({ code: "token_quota", status: 429, retryAfter: 12, jitter: 700 });
  const [state, effects] = run(SENDING, told);
  assert.deepEqual(effects, [{ do: "wait", ms: 12_700 }]);
  assert.deepEqual(state.screen, { at: "sending", phase: "queued", attempt: 1, until: 13_700 });
  assert.equal(delayOf(told, 3), null);
  assert.notEqual(delayOf({ ...told, code: "in_progress" }, 3), null);
});

test("offline waits for the network and nothing else", () => {
  const [offline, none] = run(SENDING, refusal({ code: "offline", status: 0 }));
  assert.deepEqual(none, []);
  assert.deepEqual(kinds(run(offline, { type: "online" })[1]), ["stop", "post"]);
  assert.deepEqual(run(SENDING, { type: "online" })[1], []);
  const [unread] = run(INITIAL, { type: "event-failed", code: "offline" });
  assert.deepEqual(kinds(run(unread, { type: "online" })[1]), ["read-event"]);
});

test("a refused selfie leaves no address and no trace", () => {
  const [state, effects] = run(SENDING, refusal({ code: "no_face", status: 400 }));
  assert.deepEqual(state.screen, { at: "problem", code: "no_face", during: "search" });
  assert.deepEqual(effects.slice(0, 2), [
    { do: "address", requestId: null, how: "replace" },
    { do: "drop", requestId: ID },
  ]);
  assert.equal(run(state, { type: "take" })[0].screen.at, "camera");
});

test("consent to another text is asked for anew", () => {
  const [state, effects] = run(SENDING, refusal({ code: "consent_needed", status: 422 }));
  assert.deepEqual([state.screen, state.consented], [{ at: "start", notice: "consent_changed" }, false]);
  assert.ok(kinds(effects).includes("read-event"));
});

test("reload, a deep link, Back and Forward only read", () => {
  const [, effects] = run(START, { type: "opened", requestId: ID, own: false, pending: false });
  assert.deepEqual(kinds(effects), ["stop", "get"]);
  const [results] = run(READING, { type: "found", page: page() });
  const [back, backEffects] = run(results, { type: "opened", requestId: null, own: false, pending: false });
  assert.deepEqual([back.screen.at, kinds(backEffects)], ["start", ["stop"]]);
  const [forth, forthEffects] = run(back, { type: "opened", requestId: ID, own: true, pending: false });
  assert.deepEqual([forth.screen.at, forthEffects], ["results", []]);
});

test("a search that a reload cut off is waited for, then given up", () => {
  let [state] = run(START, { type: "opened", requestId: ID, own: true, pending: true });
  const gone = refusal({ code: "no_search", status: 404 });
  for (let n = 0; n < 4; n += 1) {
    const [waits, effects] = run(state, gone);
    assert.deepEqual(kinds(effects), ["wait"]);
    [state] = run(waits, { type: "due" });
  }
  const [over, effects] = run(state, gone);
  assert.equal(over.screen.at === "problem" && over.screen.code, "unfinished");
  assert.deepEqual(effects[0], { do: "drop", requestId: ID });
  const [deleted] = run(READING, gone);
  assert.equal(deleted.screen.at === "problem" && deleted.screen.code, "no_search");
});

test("pages come one at a time, in order, and a late one of another search is nobody's", () => {
  const [results] = run(READING, { type: "found", page: page({ total: 250, pages: 3 }) });
  const [more, effects] = run(results, { type: "need-page", page: 2 });
  assert.deepEqual(effects, [{ do: "get", requestId: ID, page: 2, later: false }]);
  assert.deepEqual(run(more, { type: "need-page", page: 2 })[1], []);
  assert.deepEqual(run(results, { type: "need-page", page: 3 })[1], []);
  const [failed] = run(more, { type: "page-failed", code: "network" });
  assert.equal(failed.result?.more, "failed");
  const [two] = run(more, { type: "found", page: page({ page: 2, pages: 3, total: 250 }) });
  assert.deepEqual([two.result?.photos.length, two.result?.page, two.result?.more], [2, 2, "idle"]);
  assert.equal(run(two, { type: "found", page: page({ requestId: "other" }) })[0], two);
});

test("deleting asks first, and forgets here, too", () => {
  const [results] = run(READING, { type: "found", page: page() });
  const [asked, none] = run(results, { type: "remove" });
  assert.deepEqual([asked.removal, none], ["asked", []]);
  const [failed] = run(asked, { type: "remove-confirmed" }, { type: "remove-failed" });
  assert.equal(failed.removal, "failed");
  const [gone, effects] = run(failed, { type: "remove-confirmed" }, { type: "removed" });
  assert.equal(gone.consented, false);
  assert.deepEqual([gone.screen, gone.result, gone.selfie], [{ at: "start", notice: "deleted" }, null, null]);
  assert.deepEqual(kinds(effects), ["drop", "address", "tell"]);
});

test("looking again is a new search with the same selfie", () => {
  const [results] = run(SENDING, { type: "found", page: page() });
  const [, effects] = run(results, { type: "send", requestId: "another" });
  assert.deepEqual(effects.at(-1), {
    do: "post",
    requestId: "another",
    selfie: SELFIE,
    consent: "standard-1",
    bib: null,
  });
});

test("the camera's trouble stays on its screen, and comes too late elsewhere", () => {
  const [camera] = run(START, { type: "consent", given: true }, { type: "take" });
  assert.deepEqual(kinds(run(START, { type: "consent", given: true }, { type: "take" })[1]), ["step"]);
  const [denied] = run(camera, { type: "camera-trouble", trouble: "denied" });
  assert.deepEqual(denied.screen, { at: "camera", trouble: "denied" });
  assert.equal(run(CHECK, { type: "camera-trouble", trouble: "blank" })[0], CHECK);
});

test("cancelling ends the call and goes back", () => {
  const [state, effects] = run(SENDING, { type: "cancel" });
  assert.equal(state.screen.at, "start");
  assert.deepEqual(kinds(effects), ["stop", "withdraw", "address"]);
});

test("without the event nothing is shown, and an older one does as well", () => {
  const [failed] = run(INITIAL, { type: "event-failed", code: "network" });
  assert.deepEqual(failed.screen, { at: "problem", code: "network", during: "event" });
  assert.deepEqual(kinds(run(failed, { type: "retry" })[1]), ["read-event"]);
  assert.equal(run(READING, { type: "event-failed", code: "network" })[0], READING);
});

test("a machine of many people forgets everything", () => {
  const [results] = run(SENDING, { type: "found", page: page() });
  const [state] = run(results, { type: "forget" });
  assert.deepEqual(state, { ...START, screen: { at: "start", notice: null } });
});

const RACE: EventPage = { ...EVENT, allows: { ...EVENT.allows, bibs: true, watch: true, watch_days: 30 } };
const [RACE_START] = run(INITIAL, { type: "event-read", event: RACE });

test("a bib is looked for without consent, by its address, and nothing of it is noted", () => {
  const [reading, effects] = run(RACE_START, { type: "bib", typed: " #f7 " }, { type: "find-bib" });
  assert.deepEqual(effects, [
    { do: "stop" },
    { do: "get", requestId: "F7", page: 1, later: false },
    { do: "address", requestId: "F7", how: "push" },
  ]);
  const [results, after] = run(reading, { type: "found", page: page({ requestId: "F7", total: 150, pages: 2 }) });
  assert.deepEqual([results.screen.at, kinds(after)], ["results", ["stop", "tell"]]);
  const [, more] = run(results, { type: "need-page", page: 2 });
  assert.deepEqual(more, [{ do: "get", requestId: "F7", page: 2, later: false }]);
  const [again, read] = run(results, { type: "retry" });
  assert.deepEqual([again.screen.at, again.result, kinds(read)], ["reading", null, ["stop", "get"]]);
});

test("what is no bib is neither looked for nor sent, and what stands there may be mended", () => {
  const [wrong, none] = run(RACE_START, { type: "bib", typed: "12-3" }, { type: "find-bib" });
  assert.deepEqual([wrong.bibWrong, wrong.screen.at, none], [true, "start", []]);
  const [check] = run(wrong, { type: "consent", given: true }, { type: "take" }, { type: "got", selfie: SELFIE });
  const [refused, unsent] = run(check, { type: "send", requestId: ID });
  assert.deepEqual([refused.screen.at, refused.bibWrong, unsent], ["check", true, []]);
  const [mended, effects] = run(refused, { type: "bib", typed: "123" }, { type: "send", requestId: ID });
  assert.equal(mended.bibWrong, false);
  assert.deepEqual(effects.at(-1), { do: "post", requestId: ID, selfie: SELFIE, consent: "standard-1", bib: "123" });
  const [, without] = run(refused, { type: "bib", typed: " " }, { type: "send", requestId: ID });
  assert.deepEqual(without.at(-1), { do: "post", requestId: ID, selfie: SELFIE, consent: "standard-1", bib: null });
});

test("where the event has no bibs, an address that names one leads to the start", () => {
  const opened = { type: "opened", requestId: "123", own: false, pending: false } as const;
  const [state, effects] = run(START, opened);
  assert.deepEqual([state.screen.at, kinds(effects)], ["start", ["stop", "address"]]);
  assert.deepEqual(kinds(run(RACE_START, opened)[1]), ["stop", "get"]);
  const alone = { ...RACE, allows: { ...RACE.allows, search: false } };
  assert.equal(run(INITIAL, { type: "event-read", event: alone })[0].screen.at, "start");
});

const WATCHED: EventPage = { ...EVENT, allows: { ...EVENT.allows, watch: true, watch_days: 30 } };
const UNTIL = "2027-01-01T00:00:00Z";

test("what came later is read with a result, where the link lets guests watch", () => {
  const opened = { type: "opened", requestId: ID, own: true, pending: false } as const;
  for (const event of [EVENT, WATCHED]) {
    const [, effects] = run(INITIAL, { type: "event-read", event }, opened);
    assert.deepEqual(effects, [{ do: "stop" }, { do: "get", requestId: ID, page: 1, later: event.allows.watch }]);
  }
  const later = { until: UNTIL, photos: [] };
  const [results] = run(READING, { type: "found", page: page({ later }) });
  assert.deepEqual([results.result?.later, results.result?.selfie], [later, null]);
});

test("a watch is asked for with the selfie that found the result, and looked after once", () => {
  const [results] = run({ ...SENDING, event: WATCHED }, { type: "found", page: page() });
  assert.equal(results.result?.selfie, SELFIE);
  const [asking, effects] = run(results, { type: "watch-agreed", given: true }, { type: "watch", selfie: SELFIE });
  assert.deepEqual(effects, [{ do: "watch", requestId: ID, selfie: SELFIE, days: 30 }]);
  const [asked, after] = run(asking, { type: "watching", until: UNTIL });
  assert.deepEqual([asked.result?.later?.until, after], [UNTIL, [{ do: "check-watch", requestId: ID, ms: 15_000 }]]);
  const [stands, none] = run(asked, { type: "watching", until: UNTIL });
  assert.deepEqual([stands.result?.later?.until, none], [UNTIL, []]);
  const [faceless] = run(asked, { type: "watching", until: null });
  assert.deepEqual([faceless.result?.watch, faceless.result?.later?.until], ["no_face", null]);
  const [failed] = run(asking, { type: "watch-failed" });
  assert.deepEqual([failed.result?.watch, failed.result?.photos.length], ["failed", 1]);
});
