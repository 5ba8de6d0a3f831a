/** Does what the reducer asks for: calls, waits, addresses, and what is remembered. */
import { type Api, ApiProblem } from "./api.ts";
import { bibOf, isBib } from "./bib.ts";
import type { Effect, FlowEvent } from "./flow.ts";
import { laterOf } from "./results/later.ts";
import type { OwnSearches } from "./storage.ts";
import type { ResultPage } from "./types.ts";

/** After so long without a response, the page says that the network is slow. */
const SLOW_MS = 4_000;
const JITTER_MS = 2_000;
const WITHDRAW_MS = [2_000, 8_000, 32_000];

export interface Host {
  readonly api: Api;
  readonly own: OwnSearches;
  /** Whether the page's address names the search. */
  readonly addressed: boolean;
  dispatch(event: FlowEvent): void;
  pick(capture: boolean): void;
  tell(name: string, detail?: unknown): void;
}

export class Effects {
  readonly #host: Host;
  #calls = new AbortController();
  #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Ends calls and waits that are under way. */
  stop(): void {
    this.#calls.abort();
    this.#calls = new AbortController();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  run(effect: Effect): void {
    const { api, own, dispatch, pick, tell } = this.#bound;
    switch (effect.do) {
      case "stop":
        this.stop();
        break;
      case "wait":
        this.#later(effect.ms, () => dispatch({ type: "due" }));
        break;
      case "read-event": // whatever is stopped: no screen can do without it
        api.eventPage().then(
          (event) => dispatch({ type: "event-read", event }),
          (error: unknown) => dispatch({ type: "event-failed", code: this.#problem(error).code }),
        );
        break;
      case "withdraw":
        this.#withdraw(effect.requestId);
        break;
      case "post": {
        this.#later(SLOW_MS, () => dispatch({ type: "slow" }));
        const { selfie: file, requestId, consent, bib } = effect;
        this.#call((signal) => api.search({ file, requestId, consent, bib }, signal), this.#found);
        break;
      }
      case "get":
        this.#call(
          async (signal) => {
            const found = api.page(effect.requestId, effect.page, signal);
            const later = effect.later ? await laterOf(api, found, signal) : null;
            return { ...(await found), later };
          },
          this.#found,
          effect.page > 1 ? (problem) => dispatch({ type: "page-failed", code: problem.code }) : undefined,
        );
        break;
      case "watch":
        this.#call(
          (signal) => api.watch(effect.requestId, effect.selfie, effect.days, signal),
          (until) => dispatch({ type: "watching", until }),
          () => dispatch({ type: "watch-failed" }),
        );
        break;
      case "check-watch":
        this.#later(effect.ms, () =>
          this.#call(
            (signal) => api.updates(effect.requestId, signal),
            ({ until }) => dispatch({ type: "watching", until }),
            () => {}, // it was said to be watched, and nothing has said otherwise
          ),
        );
        break;
      case "remove":
        this.#call(
          () => api.remove(effect.requestId),
          () => dispatch({ type: "removed" }),
          () => dispatch({ type: "remove-failed" }),
        );
        break;
      case "pick":
        pick(effect.capture);
        break;
      case "note":
        own.note(effect.requestId, effect.total);
        break;
      case "drop":
        own.drop(effect.requestId);
        break;
      case "address":
      case "step":
      case "back":
        if (this.#host.addressed) move(effect);
        break;
      case "tell":
        tell(effect.what);
        break;
      case "tell-error":
        tell("error", { code: effect.code });
        break;
    }
  }

  get #bound() {
    const host = this.#host;
    return {
      api: host.api,
      own: host.own,
      dispatch: host.dispatch.bind(host),
      pick: host.pick.bind(host),
      tell: host.tell.bind(host),
    };
  }

  readonly #found = (page: ResultPage) => this.#host.dispatch({ type: "found", page });

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  /** One call, unless `stop` comes first. */
  #call<T>(
    ask: (signal: AbortSignal) => Promise<T>,
    done: (response: T) => void,
    failed: (problem: ApiProblem) => void = (problem) => this.#refuse(problem),
  ): void {
    const { signal } = this.#calls;
    ask(signal).then(
      (response) => signal.aborted || done(response),
      (error: unknown) => signal.aborted || failed(this.#problem(error)),
    );
  }

  /** Goes on whatever is stopped, and tries again: nobody can see this search any more. */
  #withdraw(requestId: string, attempt = 0): void {
    const { api, own } = this.#host;
    api.remove(requestId).then(
      () => own.drop(requestId),
      (error: unknown) => {
        const ms = this.#problem(error).passes ? WITHDRAW_MS[attempt] : undefined;
        if (ms !== undefined) setTimeout(() => this.#withdraw(requestId, attempt + 1), ms);
      },
    );
  }

  #problem(error: unknown): ApiProblem {
    const problem = error instanceof ApiProblem ? error : new ApiProblem("unknown", -1);
    if (problem.code === "origin")
      // which the site's developer should read
      console.error("face-search: the token's origins do not name this page's:", location.origin);
    return problem;
  }

  #refuse({ code, status, retryAfter }: ApiProblem): void {
    const jitter = Math.round(Math.random() * JITTER_MS);
    this.#host.dispatch({ type: "refused", code, status, retryAfter, now: Date.now(), jitter });
  }
}

/** The search, or the bib, that the page's address names. */
export function addressedSearch(): string | null {
  const { searchParams } = new URL(location.href);
  const named = searchParams.get("r");
  return named && /^[0-9a-f-]{32,36}$/i.test(named) ? named : bibOf(searchParams.get("bib"));
}

const onStep = () => history.state?.faceSearch === "step";

function move(effect: Extract<Effect, { do: "address" | "step" | "back" }>): void {
  if (effect.do === "back") {
    if (onStep()) history.back();
    return;
  }
  const url = new URL(location.href);
  if (effect.do === "step") {
    if (!onStep()) history.pushState({ faceSearch: "step" }, "", url);
    return;
  }
  if (effect.do !== "address") return;
  url.hash = "";
  for (const name of ["r", "bib"]) url.searchParams.delete(name);
  if (effect.requestId) url.searchParams.set(isBib(effect.requestId) ? "bib" : "r", effect.requestId);
  // The search takes the place of the step that led to it, so that Back leads to the start.
  if (effect.how === "replace" || onStep()) history.replaceState({ faceSearch: "search" }, "", url);
  else history.pushState({ faceSearch: "search" }, "", url);
}
