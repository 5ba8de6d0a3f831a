/** The flow as a pure reducer: from a state and what happened to the next state and what is to be done. */
import { bibOf, isBib } from "./bib.ts";
import type { EventPage, Later, Photo, ProblemCode, ResultPage } from "./types.ts";
import { type WatchEffect, type WatchEvent, type Watching, watched } from "./watch.ts";

/** Why the camera shows nothing. */
export type CameraTrouble = "denied" | "missing" | "blank";
/** How a call goes: `queued` = told to come again, `retrying` = failed but may pass. */
export type Phase = "sending" | "slow" | "queued" | "retrying" | "offline";
export type Notice = "consent" | "consent_changed" | "deleted";
type Call = { readonly phase: Phase; readonly attempt: number; readonly until: number | null };

export type Screen =
  | { readonly at: "loading" }
  | { readonly at: "start"; readonly notice: Notice | null }
  | { readonly at: "camera"; readonly trouble: CameraTrouble | null }
  | { readonly at: "check" }
  | ({ readonly at: "sending" } & Call)
  /** `pending`: a POST of this browser whose response never came; it may still be running. */
  | ({ readonly at: "reading"; readonly pending: boolean } & Call)
  | { readonly at: "results" }
  | {
      readonly at: "problem";
      readonly code: ProblemCode | "unfinished";
      readonly during: "event" | "search" | "reading";
    };

export interface Result {
  readonly requestId: string;
  readonly photos: readonly Photo[];
  readonly total: number;
  /** The last page that was read, of so many. */
  readonly page: number;
  readonly pages: number;
  readonly selfieFaces: number | null;
  readonly more: "idle" | "reading" | "failed";
  /** Null where nothing is known of later photos. */
  readonly later: Later | null;
  /** The picture that found this; null: it was read, and the picture is not in this tab. */
  readonly selfie: Blob | null;
  readonly watch: Watching;
}

export interface State {
  readonly screen: Screen;
  readonly event: EventPage | null;
  readonly consented: boolean;
  /** Stays in memory until the tab closes, so that a search can be repeated. */
  readonly selfie: Blob | null;
  /** As it was typed; nothing but the address ever keeps one. */
  readonly bib: string;
  /** Whether that was tried, and is no bib. */
  readonly bibWrong: boolean;
  readonly requestId: string | null;
  /** Whether this browser started the search. */
  readonly own: boolean;
  readonly result: Result | null;
  readonly removal: "no" | "asked" | "running" | "failed";
}

export interface Refusal {
  readonly code: ProblemCode;
  readonly status: number;
  readonly retryAfter: number | null;
  readonly now: number;
  /** Milliseconds by chance, so that guests who were refused together do not come again together. */
  readonly jitter: number;
}

export type FlowEvent =
  | { readonly type: "opened"; readonly requestId: string | null; readonly own: boolean; readonly pending: boolean }
  | { readonly type: "event-read"; readonly event: EventPage }
  | { readonly type: "event-failed"; readonly code: ProblemCode }
  | { readonly type: "consent"; readonly given: boolean }
  /** The guest wants the camera, or a file: `capture` = by the system's own camera. */
  | { readonly type: "take" }
  | { readonly type: "choose"; readonly capture: boolean }
  | { readonly type: "got"; readonly selfie: Blob }
  /** The file that was chosen can be no picture. */
  | { readonly type: "unusable" }
  | { readonly type: "camera-trouble"; readonly trouble: CameraTrouble }
  | { readonly type: "close" }
  | { readonly type: "bib"; readonly typed: string }
  /** The photos of the bib that was typed are wanted. */
  | { readonly type: "find-bib" }
  | { readonly type: "send"; readonly requestId: string }
  | { readonly type: "found"; readonly page: ResultPage }
  | ({ readonly type: "refused" } & Refusal)
  | { readonly type: "slow" | "due" | "online" | "retry" | "cancel" }
  | { readonly type: "need-page"; readonly page: number }
  | { readonly type: "page-failed"; readonly code: ProblemCode }
  | WatchEvent
  | { readonly type: "again" }
  | { readonly type: "remove" | "remove-confirmed" | "remove-cancelled" | "removed" | "remove-failed" }
  | { readonly type: "forget" };

export type Effect =
  | { readonly do: "read-event" }
  | {
      readonly do: "post";
      readonly requestId: string;
      readonly selfie: Blob;
      readonly consent: string | null;
      readonly bib: string | null;
    }
  /** `later`: with what has come since. */
  | { readonly do: "get"; readonly requestId: string; readonly page: number; readonly later: boolean }
  | WatchEffect
  | { readonly do: "remove"; readonly requestId: string }
  /** Deletes what a search that was cancelled on its way may leave. */
  | { readonly do: "withdraw"; readonly requestId: string }
  | { readonly do: "wait"; readonly ms: number }
  /** Ends calls and waits that are under way. */
  | { readonly do: "stop" }
  /** The camera and the check are one step back from the start; `back` leaves it. */
  | { readonly do: "step" | "back" }
  | { readonly do: "pick"; readonly capture: boolean }
  | { readonly do: "address"; readonly requestId: string | null; readonly how: "push" | "replace" }
  | { readonly do: "note"; readonly requestId: string; readonly total: number | null }
  | { readonly do: "drop"; readonly requestId: string }
  | { readonly do: "tell"; readonly what: "started" | "consent" | "deleted" | "results" }
  | { readonly do: "tell-error"; readonly code: ProblemCode | "unfinished" };

export type Step = readonly [State, readonly Effect[]];

export const INITIAL: State = {
  screen: { at: "loading" },
  event: null,
  consented: false,
  selfie: null,
  bib: "",
  bibWrong: false,
  requestId: null,
  own: false,
  result: null,
  removal: "no",
};

const FRESH: Call = { phase: "sending", attempt: 0, until: null };
const RETRY_MS = [1_000, 2_000, 4_000, 8_000];
const QUEUE_TRIES = 3;
/** A search takes seconds; its twin waits this often for the response. */
const TWIN_TRIES = 8;
/** Tries for the result of a search that a reload cut off: 1 + 2 + 4 + 8 s. */
const PENDING_TRIES = RETRY_MS.length;

/** Milliseconds until the same call goes out again; null = no more. */
export function delayOf(refusal: Refusal, attempt: number): number | null {
  if (refusal.status === 429) {
    const tries = refusal.code === "in_progress" ? TWIN_TRIES : QUEUE_TRIES;
    return attempt < tries ? (refusal.retryAfter ?? 2) * 1000 + refusal.jitter : null;
  }
  if (refusal.status !== 0 && refusal.status < 500) return null;
  const own = RETRY_MS[attempt];
  return own === undefined ? null : Math.max(own, (refusal.retryAfter ?? 0) * 1000);
}

const startScreen = (state: State, notice: Notice | null = null): State => ({
  ...state,
  requestId: null,
  own: false,
  removal: "no",
  screen: !state.event
    ? { at: "loading" }
    : state.event.allows.search || state.event.allows.bibs
      ? { at: "start", notice }
      : { at: "problem", code: "search_off", during: "event" },
});

const agreed = (state: State) => state.consented || !state.event?.consent;

function read(state: State, requestId: string, own: boolean, pending: boolean): Step {
  const next: State = { ...state, requestId, own, removal: "no", result: null };
  return [{ ...next, screen: { at: "reading", pending, ...FRESH } }, [{ do: "stop" }, first(state, requestId)]];
}

const first = (state: State, requestId: string): Effect => {
  return { do: "get", requestId, page: 1, later: !isBib(requestId) && (state.event?.allows.watch ?? false) };
};

/** The call of the screen goes out, once more. */
function call(state: State): readonly Effect[] {
  const { screen, requestId, selfie, event } = state;
  if (!requestId) return [];
  if (screen.at === "reading") return [first(state, requestId)];
  if (screen.at !== "sending" || !selfie) return [];
  const bib = event?.allows.bibs ? bibOf(state.bib) : null;
  return [{ do: "post", requestId, selfie, consent: event?.consent?.version ?? null, bib }];
}

function problem(state: State, code: ProblemCode | "unfinished", during: "event" | "search" | "reading"): Step {
  return [{ ...state, screen: { at: "problem", code, during } }, [{ do: "tell-error", code }]];
}

function refused(state: State, refusal: Refusal): Step {
  const { screen, requestId } = state;
  if (screen.at !== "sending" && screen.at !== "reading") return [state, []];
  const attempt = screen.attempt + 1;
  if (refusal.code === "offline") return [{ ...state, screen: { ...screen, phase: "offline", until: null } }, []];
  const stillRuns = screen.at === "reading" && screen.pending && refusal.code === "no_search";
  const ms = stillRuns ? (RETRY_MS[screen.attempt] ?? null) : delayOf(refusal, screen.attempt);
  if (ms !== null) {
    const queued = refusal.status === 429 && refusal.code !== "in_progress";
    const phase = stillRuns ? "sending" : queued ? "queued" : "retrying";
    return [{ ...state, screen: { ...screen, phase, attempt, until: refusal.now + ms } }, [{ do: "wait", ms }]];
  }
  const passes = refusal.status === 0 || refusal.status === 429 || refusal.status >= 500;
  if (screen.at === "reading") {
    const code = stillRuns && screen.attempt >= PENDING_TRIES ? "unfinished" : refusal.code;
    const [next, effects] = problem(state, code, "reading");
    const over = refusal.code === "no_search" && requestId;
    return [next, over ? [{ do: "drop", requestId }, ...effects] : effects];
  }
  if (passes) return problem(state, refusal.code, "search");
  // This search will never have a result, so nothing may point to it.
  const undone: Effect[] = [{ do: "address", requestId: null, how: "replace" }];
  if (requestId) undone.push({ do: "drop", requestId });
  if (refusal.code === "consent_needed") {
    return [{ ...startScreen(state, "consent_changed"), consented: false }, [...undone, { do: "read-event" }]];
  }
  const [next, effects] = problem({ ...state, requestId: null }, refusal.code, "search");
  return [next, [...undone, ...effects]];
}

function found(state: State, page: ResultPage): Step {
  const before = state.result;
  if (before && before.requestId === page.requestId && page.page > before.page) {
    const photos = [...before.photos, ...page.photos];
    return [{ ...state, result: { ...before, photos, page: page.page, more: "idle" } }, []];
  }
  const { screen } = state;
  if ((screen.at !== "sending" && screen.at !== "reading") || page.requestId !== state.requestId) return [state, []];
  const { requestId, photos, total, pages, selfieFaces } = page;
  const result: Result = {
    ...{ requestId, photos, total, page: Math.max(page.page, 1), pages, selfieFaces, more: "idle" },
    ...{ later: page.later ?? null, selfie: screen.at === "sending" ? state.selfie : null, watch: "no" },
  };
  const effects: Effect[] = [{ do: "stop" }];
  if (state.own) effects.push({ do: "note", requestId, total });
  effects.push({ do: "tell", what: "results" });
  return [{ ...state, result, screen: { at: "results" } }, effects];
}

function send(state: State, requestId: string): Step {
  if (!state.selfie || !agreed(state)) return [startScreen(state, "consent"), []];
  if (state.screen.at === "check" && state.bib.trim() && !bibOf(state.bib)) return [{ ...state, bibWrong: true }, []];
  const next: State = { ...state, requestId, own: true, result: null, screen: { at: "sending", ...FRESH } };
  const first: Effect[] = [
    { do: "stop" },
    { do: "address", requestId, how: "push" },
    { do: "note", requestId, total: null },
    { do: "tell", what: "started" },
  ];
  return [next, [...first, ...call(next)]];
}

function again(state: State): Step {
  const next = startScreen({ ...state, selfie: null, result: null });
  return [next, [{ do: "stop" }, { do: "address", requestId: null, how: "push" }]];
}

function findBib(state: State): Step {
  const bib = bibOf(state.bib);
  if (!bib) return [{ ...state, bibWrong: true }, []];
  const [next, effects] = read(state, bib, false, false);
  return [next, [...effects, { do: "address", requestId: bib, how: "push" }]];
}

const waitsForNetwork = (screen: Screen) =>
  screen.at === "problem" ? screen.code === "offline" : "phase" in screen && screen.phase === "offline";

/** The call that waits, fails or is offline goes out now, or that for a bib whose photos are there. */
function repeat(state: State, afresh: boolean): Step {
  const { screen } = state;
  if (screen.at === "results" && isBib(state.requestId)) return read(state, state.requestId, false, false);
  if (screen.at === "problem" && screen.during === "event") {
    return [{ ...state, screen: { at: "loading" } }, [{ do: "read-event" }]];
  }
  if (screen.at === "problem" && state.requestId) {
    const at = screen.during === "search" && state.selfie ? "sending" : "reading";
    const next: State = {
      ...state,
      screen: at === "sending" ? { at, ...FRESH } : { at, pending: screen.during === "search", ...FRESH },
    };
    return [next, [{ do: "stop" }, ...call(next)]];
  }
  if (screen.at !== "sending" && screen.at !== "reading") return [state, []];
  const next: State = {
    ...state,
    screen: { ...screen, ...(afresh ? { attempt: 0 } : {}), phase: "sending", until: null },
  };
  return [next, [{ do: "stop" }, ...call(next)]];
}

function pictures(
  state: State,
  event: Extract<FlowEvent, { type: "take" | "choose" | "got" | "camera-trouble" }>,
): Step {
  if (event.type === "got") return [{ ...state, selfie: event.selfie, screen: { at: "check" } }, [{ do: "step" }]];
  if (event.type === "camera-trouble") {
    if (state.screen.at !== "camera") return [state, []];
    return [{ ...state, screen: { at: "camera", trouble: event.trouble } }, []];
  }
  if (!agreed(state)) return [startScreen(state, "consent"), []];
  if (event.type === "choose") return [state, [{ do: "pick", capture: event.capture }]];
  return [{ ...state, screen: { at: "camera", trouble: null } }, [{ do: "step" }]];
}

function removal(state: State, type: Extract<FlowEvent["type"], `remove${string}`>): Step {
  const { requestId } = state;
  if (!requestId) return [state, []];
  switch (type) {
    case "remove":
      return [{ ...state, removal: "asked" }, []];
    case "remove-confirmed":
      return [{ ...state, removal: "running" }, [{ do: "remove", requestId }]];
    case "remove-cancelled":
      return [{ ...state, removal: "no" }, []];
    case "remove-failed":
      return [{ ...state, removal: "failed" }, []];
    case "removed":
      return [
        startScreen({ ...state, selfie: null, bib: "", result: null, consented: false }, "deleted"),
        [
          { do: "drop", requestId },
          { do: "address", requestId: null, how: "replace" },
          { do: "tell", what: "deleted" },
        ],
      ];
  }
}

function opened(state: State, event: Extract<FlowEvent, { type: "opened" }>): Step {
  if (!event.requestId) return [startScreen(state), [{ do: "stop" }]];
  if (isBib(event.requestId) && !state.event?.allows.bibs)
    return [startScreen(state), [{ do: "stop" }, { do: "address", requestId: null, how: "replace" }]];
  if (state.result?.requestId !== event.requestId) return read(state, event.requestId, event.own, event.pending);
  return [{ ...state, requestId: event.requestId, own: event.own, removal: "no", screen: { at: "results" } }, []];
}

export function reduce(state: State, event: FlowEvent): Step {
  const { screen } = state;
  switch (event.type) {
    case "opened":
      return opened(state, event);
    case "event-read": {
      const next = { ...state, event: event.event };
      return [screen.at === "loading" ? startScreen(next) : next, []];
    }
    case "event-failed": // one that was read before does as well
      return state.event ? [state, []] : problem(state, event.code, "event");
    case "consent": {
      const next: State = { ...state, consented: event.given };
      const cleared: State = screen.at === "start" ? { ...next, screen: { at: "start", notice: null } } : next;
      return [cleared, event.given ? [{ do: "tell", what: "consent" }] : []];
    }
    case "take":
    case "choose":
    case "got":
    case "camera-trouble":
      return pictures(state, event);
    case "unusable":
      return problem({ ...state, requestId: null }, "unusable_image", "search");
    case "close":
      return [startScreen({ ...state, selfie: null }), [{ do: "back" }]];
    case "bib":
      return [{ ...state, bib: event.typed, bibWrong: false }, []];
    case "find-bib":
      return findBib(state);
    case "send":
      return send(state, event.requestId);
    case "found":
      return found(state, event.page);
    case "refused":
      return refused(state, event);
    case "slow":
      return [
        screen.at === "sending" && screen.phase === "sending"
          ? { ...state, screen: { ...screen, phase: "slow" } }
          : state,
        [],
      ];
    case "due":
    case "online":
      return event.type === "online" && !waitsForNetwork(screen) ? [state, []] : repeat(state, false);
    case "retry":
      return repeat(state, true);
    case "cancel": {
      const dropped: Effect[] =
        state.requestId && screen.at === "sending" ? [{ do: "withdraw", requestId: state.requestId }] : [];
      return [startScreen(state), [{ do: "stop" }, ...dropped, { do: "address", requestId: null, how: "replace" }]];
    }
    case "need-page": {
      const { result } = state;
      if (!result || result.more === "reading" || event.page !== result.page + 1 || event.page > result.pages)
        return [state, []];
      const next: State = { ...state, result: { ...result, more: "reading" } };
      return [next, [{ do: "get", requestId: result.requestId, page: event.page, later: false }]];
    }
    case "page-failed":
      return state.result ? [{ ...state, result: { ...state.result, more: "failed" } }, []] : [state, []];
    case "watch-agreed":
    case "watch":
    case "watching":
    case "watch-failed":
      return state.result ? watched(state, state.result, event) : [state, []];
    case "again":
      return again(state);
    case "forget": {
      const clean = startScreen({ ...INITIAL, event: state.event });
      return [clean, [{ do: "stop" }, { do: "address", requestId: null, how: "replace" }]];
    }
    default:
      return removal(state, event.type);
  }
}
