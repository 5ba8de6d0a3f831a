/** Handing photos to somebody else: as files, never as a link, since a link shows all of them. */
import type { Photo } from "../types.ts";
import { safeName } from "./names.ts";

/** More files than this many, and some apps take none. */
export const MOST_SHARED = 10;

/** Whether this browser shares pictures at all. */
export function sharesFiles(): boolean {
  if (!navigator.canShare) return false;
  return navigator.canShare({ files: [new File([""], "photo.jpg", { type: "image/jpeg" })] });
}

/** Large renditions as files: all of them, or an error. */
export async function filesOf(photos: readonly Photo[], name: string, signal?: AbortSignal): Promise<File[]> {
  const made = photos.slice(0, MOST_SHARED).map(async (photo, i) => {
    const init: RequestInit = { cache: "no-store", credentials: "omit" };
    const response = await fetch(photo.large, signal ? { ...init, signal } : init);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const file = safeName(`${name} ${String(i + 1).padStart(2, "0")}.jpg`);
    return new File([await response.blob()], file, { type: "image/jpeg" });
  });
  return Promise.all(made);
}

/**
 * Opens the share sheet. False if the browser wants a new tap first, because fetching took long; a sheet that is
 * closed without sharing is fine.
 */
export async function share(files: readonly File[]): Promise<boolean> {
  try {
    await navigator.share({ files: [...files] }); // with a text beside them, some systems share the text alone
    return true;
  } catch (error) {
    return !(error instanceof DOMException && error.name === "NotAllowedError");
  }
}
