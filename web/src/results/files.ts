/** The files behind a selection: where each one is, fetched a few at a time and in order. */
import type { Api } from "../api.ts";
import { ApiProblem, ORIGINALS_PAGE_SIZE } from "../api.ts";
import { isBib } from "../bib.ts";
import type { Photo } from "../types.ts";

/** A photo of the list: `at` is its place there, `position` its place in the search that found it; both count from 0. */
export interface Wanted {
  readonly at: number;
  readonly requestId: string;
  readonly position: number;
}

export interface Source {
  readonly api: Pick<Api, "originals" | "page">;
  /** Whether guests get originals. If not, files are large renditions. */
  readonly originals: boolean;
  /** What files without a name of their own are called: the event. */
  readonly name: string;
  readonly photo: (wanted: Wanted, signal: AbortSignal) => Promise<Photo>;
  readonly fetch: typeof fetch;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Target {
  readonly wanted: Wanted;
  /** Null: there is no link to it. */
  readonly url: string | null;
  readonly name: string;
}

export interface Fetched {
  readonly wanted: Wanted;
  readonly name: string;
  /** Null: it could not be fetched. */
  readonly blob: Blob | null;
}

const AT_ONCE = 3;
/** How often a page of links is asked for, and the longest wait in between. */
const TRIES = 3;
const LONGEST_WAIT_MS = 20_000;
/** A download that brings no byte for so long has ended. */
const STALL_MS = 30_000;

/** Where the wanted files are. A page's links live an hour, so each page is asked for when its turn comes. */
export function targetsOf(wanted: readonly Wanted[], source: Source, signal: AbortSignal): AsyncGenerator<Target> {
  const bib = wanted[0]?.requestId ?? null;
  return source.originals && isBib(bib) ? ofBib(bib, wanted, source, signal) : inPlace(wanted, source, signal);
}

/** A bib's photos move when earlier ones are indexed, so their places are read anew. */
async function* ofBib(bib: string, wanted: readonly Wanted[], source: Source, signal: AbortSignal) {
  const now: Photo[] = [];
  const moved = new Map<Wanted, Wanted>();
  const gone = new Set(wanted);
  try {
    for (let page = 1, pages = 1; page <= pages; page++) {
      const found = await patiently(() => source.api.page(bib, page, signal), source, signal);
      now.push(...found.photos);
      pages = found.pages;
    }
    for (const one of wanted) {
      const { id } = await source.photo(one, signal);
      const position = now.findIndex((photo) => photo.id === id);
      if (position < 0) continue;
      moved.set({ ...one, position }, one);
      gone.delete(one);
    }
  } catch {
    signal.throwIfAborted(); // otherwise nobody knows where they are
  }
  const photo = async ({ position }: Wanted) => now[position] as Photo;
  for await (const target of inPlace([...moved.keys()], { ...source, photo }, signal))
    yield { ...target, wanted: moved.get(target.wanted) as Wanted };
  for (const one of gone) yield { wanted: one, url: null, name: "" };
}

async function* inPlace(wanted: readonly Wanted[], source: Source, signal: AbortSignal) {
  const size = wanted.length === 1 ? 1 : ORIGINALS_PAGE_SIZE;
  for (const page of source.originals ? pagesOf(wanted, size) : [wanted]) {
    const links = source.originals ? await linksOf(page, size, source, signal) : null;
    for (const one of page) {
      signal.throwIfAborted();
      if (links) {
        const link = links.get(one.position);
        yield { wanted: one, url: link?.url ?? null, name: link?.filename ?? "" } satisfies Target;
      } else {
        const url = await largeOf(one, source, signal);
        const number = String(one.at + 1).padStart(3, "0");
        yield { wanted: one, url, name: `${source.name} ${number}.jpg` } satisfies Target;
      }
    }
  }
}

/** The wanted files in order. One that fails is tried once more, by a new link, and then given with `blob: null`. */
export async function* fetchedFiles(
  wanted: readonly Wanted[],
  source: Source,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Fetched> {
  const running: Promise<Fetched>[] = [];
  const next = () => running.shift() as Promise<Fetched>;
  for await (const target of targetsOf(wanted, source, signal)) {
    const fetched = fetchTarget(target, source, onBytes, signal);
    fetched.catch(() => {}); // its rejection is read when its turn comes, if it still does
    running.push(fetched);
    if (running.length === AT_ONCE) yield await next();
  }
  while (running.length) yield await next();
}

async function fetchTarget(
  target: Target,
  source: Source,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): Promise<Fetched> {
  const { wanted, name } = target;
  let { url } = target;
  for (let attempt = 1; url; attempt++) {
    let bytes = 0;
    const count = (more: number) => {
      bytes += more;
      onBytes(more);
    };
    try {
      return { wanted, name, blob: await download(url, source, count, signal) };
    } catch {
      signal.throwIfAborted();
      onBytes(-bytes);
      if (attempt === 2) break;
      await source.wait(1000, signal);
      for await (const again of targetsOf([wanted], source, signal)) url = again.url;
    }
  }
  return { wanted, name, blob: null };
}

async function download(url: string, source: Source, onBytes: (count: number) => void, signal: AbortSignal) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let stall = setTimeout(abort, STALL_MS);
  signal.addEventListener("abort", abort, { once: true });
  try {
    // Not from the cache: what an <img> has put there was fetched without CORS.
    const init: RequestInit = { cache: "no-store", credentials: "omit", signal: controller.signal };
    const response = await source.fetch(url, init);
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(stall);
      stall = setTimeout(abort, STALL_MS);
      parts.push(part.value);
      onBytes(part.value.length);
    }
    return new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
  } finally {
    clearTimeout(stall);
    signal.removeEventListener("abort", abort);
  }
}

function pagesOf(wanted: readonly Wanted[], size: number): Wanted[][] {
  const pages = new Map<string, Wanted[]>();
  for (const one of wanted) {
    const key = `${one.requestId} ${Math.floor(one.position / size)}`;
    const page = pages.get(key);
    if (page) page.push(one);
    else pages.set(key, [one]);
  }
  return [...pages.values()];
}

/** Links by position, for wanted photos of one page; a photo without one is not in it. */
async function linksOf(page: readonly Wanted[], size: number, source: Source, signal: AbortSignal) {
  const found = new Map<number, { url: string; filename: string }>();
  const [one] = page;
  if (!one) return found;
  const first = Math.floor(one.position / size) * size;
  try {
    const { links, failed } = await patiently(
      () => source.api.originals(one.requestId, first / size + 1, size, signal),
      source,
      signal,
    );
    const gone = new Set(failed);
    let used = 0;
    for (let i = 0; i < links.length + failed.length; i++) {
      const position = first + i;
      // Ids are asked for only if it matters: if one of the page has no link.
      const lost = gone.size > 0 && gone.has((await source.photo({ ...one, position }, signal)).id);
      const link = lost ? undefined : links[used++];
      if (link) found.set(position, link);
    }
  } catch {
    signal.throwIfAborted(); // otherwise none of the page has a link
  }
  return found;
}

async function largeOf(wanted: Wanted, source: Source, signal: AbortSignal): Promise<string | null> {
  try {
    return (await patiently(() => source.photo(wanted, signal), source, signal)).large;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

async function patiently<T>(call: () => Promise<T>, source: Source, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted || attempt === TRIES || !(error instanceof ApiProblem && error.passes)) throw error;
      const wait = error.retryAfter === null ? 2 ** attempt : error.retryAfter;
      await source.wait(Math.min(LONGEST_WAIT_MS, wait * 1000), signal);
    }
  }
}
