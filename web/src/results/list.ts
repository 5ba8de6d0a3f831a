/** The photos of the view as one list: new ones first, then the search's own, of which the last may not be loaded yet. */
import { type Api, PAGE_SIZE } from "../api.ts";
import type { NewPhoto, Photo } from "../types.ts";
import type { Wanted } from "./files.ts";

/** What the list is made of, as it is now. */
export interface Found {
  readonly photos: readonly Photo[];
  readonly newPhotos: readonly NewPhoto[];
  readonly total: number;
  readonly requestId: string;
  readonly api: Pick<Api, "page" | "originals">;
}

export class PhotoList {
  readonly #found: Found;
  readonly #pages = new Map<string, Promise<readonly Photo[]>>();

  constructor(found: Found) {
    this.#found = found;
  }

  get count(): number {
    return this.#found.newPhotos.length + this.#found.total;
  }

  /** How many of them, from the first on, are loaded. */
  get loaded(): number {
    return this.#found.newPhotos.length + this.#found.photos.length;
  }

  /** Undefined: not loaded. */
  at(index: number): Photo | undefined {
    const { newPhotos, photos } = this.#found;
    return newPhotos[index] ?? photos[index - newPhotos.length];
  }

  wanted(at: number): Wanted {
    const { newPhotos, requestId } = this.#found;
    const fresh = newPhotos[at];
    return fresh
      ? { at, requestId: fresh.requestId, position: fresh.position }
      : { at, requestId, position: at - newPhotos.length };
  }

  /** A photo of a search, read from the API if it is not loaded. Its page is read once. */
  async find({ requestId, position }: Wanted, signal?: AbortSignal): Promise<Photo> {
    const here = requestId === this.#found.requestId ? this.#found.photos[position] : undefined;
    if (here) return here;
    const page = Math.floor(position / PAGE_SIZE) + 1;
    const key = `${requestId} ${page}`;
    let photos = this.#pages.get(key);
    if (!photos) {
      photos = this.#found.api.page(requestId, page, signal).then((result) => result.photos);
      this.#pages.set(key, photos);
      photos.catch(() => this.#pages.delete(key));
    }
    const photo = (await photos)[position % PAGE_SIZE];
    if (!photo) throw new Error("no such photo");
    return photo;
  }
}
