/** The API as a guest's page calls it: the token in the query, so that no call but DELETE costs a preflight. */
import { isBib } from "./bib.ts";
import { type EventPage, type OriginalPage, PROBLEM_CODES, type ProblemCode, type ResultPage } from "./types.ts";

export const PAGE_SIZE = 100;
/** Pages of originals, the API's largest. */
export const ORIGINALS_PAGE_SIZE = 60;
/** A selfie above this goes by an upload link: the API takes 4.4 MiB in one call. */
const CALL_BYTES = 4.4 * 1024 * 1024 - 4096;
const MEDIUM_SIDE = 1024;
/** Longer than the API ever takes (30 s), so that a dead connection ends. */
const PATIENCE_MS = 45_000;
/** Bytes a second of the slowest network on which a large selfie still arrives. */
const SLOWEST = 30_000;

/** A response that is no success, or none at all (status 0). */
export class ApiProblem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  /** Seconds; null where the response names none. */
  readonly retryAfter: number | null;

  constructor(code: ProblemCode, status: number, retryAfter: number | null = null, message: string = code) {
    super(message);
    this.name = "ApiProblem";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same call may succeed a little later. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const CODES: ReadonlySet<string> = new Set(PROBLEM_CODES);

/** The header's code; without one, what the status says. A gateway in between sends no header. */
export function codeOf(header: string | null, status: number): ProblemCode {
  if (header && CODES.has(header)) return header as ProblemCode;
  if (status === 413) return "too_large";
  if (status === 429) return "throttled";
  if (status === 404) return "no_search";
  return status >= 500 ? "internal" : "unknown";
}

export interface ApiOptions {
  readonly base: string;
  readonly org: number | string;
  readonly event: number | string;
  /** Asked before each call, since a site may replace its visitor's token. */
  readonly token: () => string;
  /** Asked once when the token is over: whether there is another one now. */
  readonly renew?: () => Promise<boolean>;
  readonly fetch?: typeof fetch;
}

interface Envelope {
  readonly data: unknown;
}

interface FoundBody {
  readonly images: readonly {
    readonly image_id: string;
    readonly thumbnail_url: string;
    readonly img_url: string;
    readonly width: number | null;
    readonly height: number | null;
    readonly matched_by?: "face" | "bib";
  }[];
  readonly pagination: { readonly total: number; readonly currentPage: number; readonly totalPages: number };
}

interface OriginalsBody {
  readonly presigned_urls: readonly { readonly url: string; readonly filename: string }[];
  readonly failed_urls: readonly { readonly image_id: string }[];
}

interface UpdatesBody {
  readonly watching_until: string | null;
  readonly latest: string | null;
}

interface UploadBody {
  readonly upload_id: string;
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Runs the search, or reads its result if this `requestId` has one already. Costs at most once, however often it is sent. */
  async search(
    selfie: {
      readonly file: Blob;
      readonly requestId: string;
      readonly consent: string | null;
      readonly bib: string | null;
    },
    signal?: AbortSignal,
  ): Promise<ResultPage> {
    const { file, requestId, consent, bib } = selfie;
    const form = new FormData();
    form.set("request_id", requestId);
    if (consent) form.set("consent", consent);
    if (bib) form.set("bib", bib);
    await this.#attach(form, file, signal);
    const response = await this.#call(
      "faces",
      { page: 1, page_size: PAGE_SIZE },
      { method: "POST", body: form },
      signal,
    );
    const faces = response.headers.get("Selfie-Faces");
    return resultPage((await dataOf(response)) as FoundBody, requestId, faces ? Number(faces) : null);
  }

  /** Of a search or of a bib. */
  async page(requestId: string, page = 1, signal?: AbortSignal): Promise<ResultPage> {
    const path = isBib(requestId) ? "bibs" : "faces";
    const response = await this.#call(`${path}/${requestId}`, { page, page_size: PAGE_SIZE }, {}, signal);
    return resultPage((await dataOf(response)) as FoundBody, requestId, null);
  }

  /** Links to the originals of one page of a search or a bib: of its photos in their order, `pageSize` at a time. */
  async originals(
    requestId: string,
    page: number,
    pageSize: number = ORIGINALS_PAGE_SIZE,
    signal?: AbortSignal,
  ): Promise<OriginalPage> {
    // A string's content type is text/plain, which needs no preflight; the API reads the bytes.
    const body = JSON.stringify({ method: isBib(requestId) ? "bib" : "selfie", identifier: requestId });
    const query = { page, page_size: pageSize };
    const response = await this.#call("original-photos", query, { method: "POST", body }, signal);
    const data = (await dataOf(response)) as OriginalsBody;
    return { links: data.presigned_urls, failed: data.failed_urls.map((failed) => failed.image_id) };
  }

  /** Deletes the search: the selfie and the list, for everybody. A search that is gone already counts as deleted. */
  async remove(requestId: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#call(`faces/${requestId}`, {}, { method: "DELETE" }, signal);
    } catch (error) {
      if (!(error instanceof ApiProblem && error.status === 404)) throw error;
    }
  }

  /** Has later photos looked through for the face of the selfie, to which the guest has agreed; when that ends. */
  async watch(requestId: string, selfie: Blob, days: number, signal?: AbortSignal): Promise<string> {
    const form = new FormData();
    form.set("days", String(days));
    form.set("watch_consent", "true");
    await this.#attach(form, selfie, signal);
    const response = await this.#call(`faces/${requestId}/watch`, {}, { method: "POST", body: form }, signal);
    return ((await dataOf(response)) as { readonly watching_until: string }).watching_until;
  }

  /** When the search's watch ends, and the newest search that it has made. */
  async updates(requestId: string, signal?: AbortSignal): Promise<{ until: string | null; latest: string | null }> {
    const response = await this.#call(`faces/${requestId}/updates`, {}, {}, signal);
    const { watching_until: until, latest } = (await dataOf(response)) as UpdatesBody;
    return { until, latest };
  }

  async eventPage(signal?: AbortSignal): Promise<EventPage> {
    return (await dataOf(await this.#call("page", {}, {}, signal))) as EventPage;
  }

  async #attach(form: FormData, selfie: Blob, signal?: AbortSignal): Promise<void> {
    if (selfie.size > CALL_BYTES) form.set("upload_id", await this.#upload(selfie, signal));
    else form.set("file", selfie, "selfie");
  }

  async #upload(file: Blob, signal?: AbortSignal): Promise<string> {
    const body = JSON.stringify({ content_type: file.type || "image/jpeg" });
    const made = await dataOf(await this.#call("faces/uploads", {}, { method: "POST", body }, signal));
    const { upload_id, url, fields } = made as UploadBody;
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set("file", file, "selfie");
    // The bucket may send no CORS headers, so the response stays unread: the search tells if the upload is missing.
    const patience = PATIENCE_MS + (file.size / SLOWEST) * 1000;
    await this.#fetch(url, { method: "POST", body: form, mode: "no-cors" }, signal, patience);
    return upload_id;
  }

  async #call(
    path: string,
    query: Readonly<Record<string, string | number>>,
    init: RequestInit,
    signal?: AbortSignal,
    again = true,
  ): Promise<Response> {
    const { base, org, event, token, renew } = this.#options;
    const url = new URL(`${base.replace(/\/$/, "")}/api/v1/ext/${org}/event/${event}/${path}`, location.href);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    url.searchParams.set("token", token());
    const response = await this.#fetch(url.href, { ...init, cache: "no-store" }, signal);
    if (response.ok) return response;
    const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    const code = codeOf(response.headers.get("Face-Search-Error"), response.status);
    const over = code === "token_expired" || code === "token_unknown";
    if (over && again && (await renew?.()) && !signal?.aborted) return this.#call(path, query, init, signal, false);
    throw new ApiProblem(code, response.status, Number.isNaN(seconds) ? null : seconds);
  }

  /** A fetch that ends: by the caller's signal (AbortError), or as a problem of the network. */
  async #fetch(url: string, init: RequestInit, signal?: AbortSignal, patience = PATIENCE_MS): Promise<Response> {
    const controller = new AbortController(); // AbortSignal.any is missing before Safari 17.4
    const abort = () => controller.abort();
    setTimeout(abort, patience);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      signal?.throwIfAborted();
      return await (this.#options.fetch ?? fetch)(url, { ...init, credentials: "omit", signal: controller.signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiProblem(navigator.onLine === false ? "offline" : "network", 0);
    }
  }
}

async function dataOf(response: Response): Promise<unknown> {
  try {
    return ((await response.json()) as Envelope).data;
  } catch {
    throw new ApiProblem("network", 0); // cut off on its way
  }
}

/** The rendition that lies beside the large one, where that is larger; a signed address leads to its own file alone. */
function mediumOf(large: string, side: number): string | null {
  return side > MEDIUM_SIDE && /\/large\/[0-9a-f-]+\.jpg$/.test(large) ? large.replace("/large/", "/medium/") : null;
}

function resultPage(body: FoundBody, requestId: string, selfieFaces: number | null): ResultPage {
  return {
    requestId,
    photos: body.images.map((image) => ({
      id: image.image_id,
      thumb: image.thumbnail_url,
      large: image.img_url,
      medium: mediumOf(image.img_url, Math.max(image.width ?? 0, image.height ?? 0)),
      width: image.width,
      height: image.height,
      byBib: image.matched_by === "bib",
    })),
    total: body.pagination.total,
    page: body.pagination.currentPage,
    pages: body.pagination.totalPages,
    selfieFaces,
  };
}
