/** What the page keeps in the browser. A store that throws (private mode, frames, policies) becomes memory. */

/** A search that was started here. `total` is null until its result came. */
export interface OwnSearch {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly total: number | null;
}

const MOST_SEARCHES = 5;
const DAY = 86_400_000;

export class Store {
  readonly #memory = new Map<string, string>();
  readonly #backing: () => Storage;
  readonly #kept: boolean;

  /** @param kept false: nothing outlives the tab, as on a machine that many people use. */
  constructor(backing: () => Storage, kept = true) {
    this.#backing = backing;
    this.#kept = kept;
  }

  get(key: string): string | null {
    const here = this.#memory.get(key);
    if (here !== undefined || !this.#kept) return here ?? null;
    try {
      return this.#backing().getItem(key);
    } catch {
      return null;
    }
  }

  set(key: string, value: string | null): void {
    if (value === null) this.#memory.delete(key);
    else this.#memory.set(key, value);
    if (!this.#kept) return;
    try {
      if (value === null) this.#backing().removeItem(key);
      else this.#backing().setItem(key, value);
      this.#memory.delete(key);
    } catch {
      // stays in memory
    }
  }

  clear(): void {
    this.#memory.clear();
  }
}

/** The searches of this browser at one event: at most five, the largest first. Nothing of a picture, ever. */
export class OwnSearches {
  readonly #store: Store;
  readonly #key: string;
  readonly #days: number;

  constructor(store: Store, link: string, resultDays: number) {
    this.#store = store;
    this.#key = `fs:${link}`;
    this.#days = resultDays;
  }

  /** Those that found something. */
  list(now: number = Date.now()): readonly OwnSearch[] {
    return this.#all(now)
      .filter(({ total }) => total)
      .sort((a, b) => (b.total ?? 0) - (a.total ?? 0) || b.at - a.at);
  }

  find(id: string, now: number = Date.now()): OwnSearch | null {
    return this.#all(now).find((search) => search.id === id) ?? null;
  }

  /** Notes a search that starts, or its result. */
  note(id: string, total: number | null, now: number = Date.now()): void {
    const others = this.#all(now).filter((search) => search.id !== id);
    const at = this.find(id, now)?.at ?? now;
    this.#write([{ id, at, total }, ...others].slice(0, MOST_SEARCHES));
  }

  drop(id: string): void {
    this.#write(this.#all(Date.now()).filter((search) => search.id !== id));
  }

  clear(): void {
    this.#write([]);
  }

  #write(searches: readonly OwnSearch[]): void {
    this.#store.set(this.#key, searches.length ? JSON.stringify(searches) : null);
  }

  #all(now: number): readonly OwnSearch[] {
    let stored: unknown;
    try {
      stored = JSON.parse(this.#store.get(this.#key) ?? "[]");
    } catch {
      return [];
    }
    if (!Array.isArray(stored)) return [];
    return stored.filter(
      (search): search is OwnSearch => typeof search?.id === "string" && now - search.at < this.#days * DAY,
    );
  }
}
