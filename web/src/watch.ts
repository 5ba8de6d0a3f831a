/** The part of the flow that has a finished search watched for later photos. */
import type { Result, State, Step } from "./flow.ts";

/** How far a guest is with it. */
export type Watching = "no" | "agreed" | "asking" | "asked" | "no_face" | "failed";

export type WatchEvent =
  | { readonly type: "watch-agreed"; readonly given: boolean }
  | { readonly type: "watch"; readonly selfie: Blob }
  | { readonly type: "watching"; readonly until: string | null }
  | { readonly type: "watch-failed" };

export type WatchEffect =
  | { readonly do: "watch"; readonly requestId: string; readonly selfie: Blob; readonly days: number }
  /** Whether the watch stands, once its selfie can have been looked at. */
  | { readonly do: "check-watch"; readonly requestId: string; readonly ms: number };

/** The selfie is looked at after the response, which takes seconds, as a search does. */
const CHECK_MS = 15_000;

export function watched(state: State, result: Result, event: WatchEvent): Step {
  const { requestId, later } = result;
  const to = (watch: Watching, until: string | null = null): State => ({
    ...state,
    result: { ...result, watch, later: { photos: later?.photos ?? [], until } },
  });
  switch (event.type) {
    case "watch-agreed":
      return [to(event.given ? "agreed" : "no"), []];
    case "watch": {
      const days = state.event?.allows.watch_days ?? 0;
      return [to("asking"), [{ do: "watch", requestId, selfie: event.selfie, days }]];
    }
    case "watching":
      if (result.watch !== "asking") return [to(event.until ? "asked" : "no_face", event.until), []];
      return [to("asked", event.until), [{ do: "check-watch", requestId, ms: CHECK_MS }]];
    case "watch-failed":
      return [to("failed"), []];
  }
}
