/** Reads from the view's server, and what a screen shows while it does. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

export class Refused extends Error {}

/** JSON from below `api/`; `Refused` has the server's own words. */
export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api/${path}`, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused("The server does not respond. Is it still running?");
  }
  if (response.ok) return response.json();
  const message: unknown = await response.json().then(
    (body) => body.message,
    () => null,
  );
  throw new Refused(typeof message === "string" ? message : `The server responded with ${response.status}.`);
}

/** One value that a screen loads, of which only the last asked for counts. */
export class Loading<T> implements ReactiveController {
  value: T | null = null;
  problem = "";
  isBusy = false;
  readonly #host: ReactiveControllerHost;
  #abort = new AbortController();

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#abort.abort();
  }

  /** Load anew; what was there stays until then, unless it is to be `cleared`. */
  async start(path: string, cleared = true): Promise<T | null> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.isBusy = true;
    this.problem = "";
    if (cleared) this.value = null;
    this.#host.requestUpdate();
    try {
      const value = await read<T>(path, signal);
      if (signal.aborted) return null;
      this.value = value;
      return value;
    } catch (error) {
      if (!signal.aborted) this.problem = error instanceof Refused ? error.message : "Something went wrong here.";
      return null;
    } finally {
      if (!signal.aborted) {
        this.isBusy = false;
        this.#host.requestUpdate();
      }
    }
  }
}
