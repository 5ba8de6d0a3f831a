/** What a watch has found since the search: read with the result, so that no photo moves once it is shown. */
import type { Api } from "../api.ts";
import type { Later, Photo, ResultPage } from "../types.ts";

/** Of each search, 100 photos a page: what lies behind is not compared. */
const MOST_PAGES = 20;

type Reader = Pick<Api, "page" | "updates">;

/** Null if it could not be read: the result is worth showing without it. */
export async function laterOf(api: Reader, found: Promise<ResultPage>, signal?: AbortSignal): Promise<Later | null> {
  try {
    const first = await found;
    const { until, latest } = await api.updates(first.requestId, signal);
    if (!latest) return { until, photos: [] };
    const [before, now] = await Promise.all([
      rest(api, first, signal),
      rest(api, await api.page(latest, 1, signal), signal),
    ]);
    const known = new Set(before.map((photo) => photo.id));
    const photos = now.map((photo, position) => ({ ...photo, requestId: latest, position }));
    return { until, photos: photos.filter((photo) => !known.has(photo.id)) };
  } catch {
    return null;
  }
}

/** All photos of a search whose first page is here. */
async function rest(api: Reader, first: ResultPage, signal?: AbortSignal): Promise<readonly Photo[]> {
  const photos = [...first.photos];
  for (let page = 2; page <= Math.min(first.pages, MOST_PAGES); page++)
    photos.push(...(await api.page(first.requestId, page, signal)).photos);
  return photos;
}
