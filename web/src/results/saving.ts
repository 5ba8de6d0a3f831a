/** Saving photos, by the way that works in this browser. What is shown of it is the sheet's, in saving-sheet.ts. */
import { fetchedFiles, type Source, type Target, targetsOf, type Wanted } from "./files.ts";
import { safeName, uniqueNames } from "./names.ts";

/**
 * share: the system's share sheet, which has "Save to Photos", in batches. files: plain downloads. stream: one ZIP,
 * written to disk while it grows. zips: ZIPs made in memory. links: one link each, to be tapped.
 */
export type Way = "share" | "files" | "stream" | "zips" | "links";

export interface Surroundings {
  readonly ios: boolean;
  readonly android: boolean;
  readonly inApp: boolean;
  /** Files can be given to `navigator.share`. */
  readonly shares: boolean;
  /** There is `showSaveFilePicker`. */
  readonly picks: boolean;
}

/** Android shows downloaded pictures among the photos, a ZIP it does not; but many downloads at once annoy. */
const FILES_ON_ANDROID = 10;
/** Bytes of a ZIP in memory; phones stop tabs that hold more. */
const ZIP_BYTES = 200e6;
/** One share: more files make the sheet slow, more bytes make iOS reload the page. */
const SHARE_FILES = 20;
const SHARE_BYTES = 100e6;

export function wayOf(count: number, around: Surroundings): Way {
  if (around.inApp) return "links"; // downloads of blobs are dropped there, without a word
  if (around.ios) return around.shares ? "share" : "links"; // a ZIP would end in Files, not in Photos
  if (count === 1) return "files";
  if (around.android) return count <= FILES_ON_ANDROID ? "files" : "zips";
  return around.picks ? "stream" : "zips";
}

export type SavingState =
  | { readonly step: "fetching"; readonly done: number; readonly total: number; readonly bytes: number }
  /** Some could not be fetched: try again, or go on with what is there. */
  | { readonly step: "missing"; readonly failed: readonly Wanted[]; readonly kept: number; readonly total: number }
  /** A batch waits for the tap that shares it. */
  | { readonly step: "ready"; readonly files: readonly File[]; readonly left: number }
  | { readonly step: "links"; readonly targets: readonly Target[] }
  | { readonly step: "done"; readonly saved: number; readonly total: number }
  | { readonly step: "problem" };

interface ZipEntry {
  readonly name: string;
  readonly input: Blob;
}

/** A file to write to; `discard` takes it away if it will not be whole. */
export interface Picked {
  readonly stream: WritableStream<Uint8Array>;
  readonly discard: () => Promise<void>;
}

/** What a saving needs of the browser. */
export interface Disk {
  readonly download: (blob: Blob, name: string) => void;
  /** Asks where to put a file; null if the guest changed their mind. */
  readonly pick: (name: string) => Promise<Picked | null>;
  readonly zipStream: (files: AsyncIterable<ZipEntry>) => Promise<ReadableStream<Uint8Array>>;
  readonly zipBlob: (files: readonly ZipEntry[]) => Promise<Blob>;
  readonly share: (files: readonly File[]) => Promise<void>;
}

/** One saving, from the tap to the end. */
export class Saving {
  readonly #wanted: readonly Wanted[];
  readonly #source: Source;
  readonly #disk: Disk;
  readonly #show: (state: SavingState) => void;
  readonly #abort = new AbortController();
  readonly #kept: Wanted[] = [];
  #bytes = 0;
  #reply: ((choice: "again" | "go-on") => void) | undefined;
  #batch: readonly File[] = [];

  constructor(wanted: readonly Wanted[], source: Source, disk: Disk, show: (state: SavingState) => void) {
    this.#wanted = wanted;
    this.#source = source;
    this.#disk = disk;
    this.#show = show;
  }

  /** Ends when all is saved or given up. How many were saved; null if it was cancelled. Call it in the tap itself. */
  async run(way: Way): Promise<number | null> {
    try {
      const saved = await this.#ways[way]();
      if (saved !== null && way !== "links") this.#show({ step: "done", saved, total: this.#wanted.length });
      return saved;
    } catch {
      if (this.#abort.signal.aborted) return null;
      this.#abort.abort();
      this.#show({ step: "problem" });
      return null;
    }
  }

  cancel(): void {
    this.#abort.abort();
    this.#reply?.("go-on");
  }

  /** The guest's reply to `missing`. */
  reply(choice: "again" | "go-on"): void {
    this.#reply?.(choice);
  }

  /** Shares the batch that is ready; call it in the tap itself. A sheet that is closed again changes nothing. */
  async share(): Promise<void> {
    try {
      await this.#disk.share(this.#batch);
    } catch {
      return; // AbortError: changed their mind. NotAllowedError: the tap was too long ago; the button is still there
    }
    this.#reply?.("go-on");
  }

  readonly #ways: Record<Way, () => Promise<number | null>> = {
    files: async () => {
      for await (const { name, input } of this.#files()) this.#disk.download(input, name);
      return this.#kept.length;
    },
    stream: async () => {
      const to = await this.#disk.pick(`${safeName(this.#source.name)}.zip`);
      if (!to) return null;
      try {
        const zip = await this.#disk.zipStream(this.#files());
        await zip.pipeTo(to.stream, { signal: this.#abort.signal });
      } catch (error) {
        await to.discard();
        throw error;
      }
      return this.#kept.length;
    },
    zips: async () => {
      let part = 0;
      for await (const { files, last } of this.#batches(Number.POSITIVE_INFINITY, ZIP_BYTES)) {
        const zip = await this.#disk.zipBlob(files);
        this.#abort.signal.throwIfAborted();
        part += 1;
        this.#disk.download(zip, this.#zipName(part, last));
      }
      return this.#kept.length;
    },
    share: async () => {
      let shared = 0;
      for await (const { files } of this.#batches(SHARE_FILES, SHARE_BYTES)) {
        this.#batch = files.map(({ name, input }) => new File([input], name, { type: pictureType(name, input.type) }));
        await this.#ask({ step: "ready", files: this.#batch, left: this.#wanted.length - shared - files.length });
        shared += files.length;
      }
      return shared;
    },
    links: async () => {
      this.#progress();
      const targets: Target[] = [];
      for await (const target of targetsOf(this.#wanted, this.#source, this.#abort.signal)) targets.push(target);
      this.#show({ step: "links", targets });
      return targets.filter((target) => target.url).length;
    },
  };

  /** "White House 10 km, 17 of 18.zip": a ZIP that is not complete says so. */
  #zipName(part: number, last: boolean): string {
    const { length } = this.#wanted;
    const count = last && this.#kept.length < length ? `, ${this.#kept.length} of ${length}` : "";
    const number = part === 1 && last ? "" : `, part ${part}`;
    return `${safeName(this.#source.name)}${count}${number}.zip`;
  }

  /** The files, and in the end, if some are missing, those that another try brings. */
  async *#files(): AsyncGenerator<ZipEntry> {
    let rest = this.#wanted;
    const nameOf = uniqueNames();
    for (;;) {
      const failed: Wanted[] = [];
      this.#progress();
      for await (const { wanted, name, blob } of fetchedFiles(rest, this.#source, this.#count, this.#abort.signal)) {
        if (blob) {
          this.#kept.push(wanted);
          this.#progress();
          yield { name: nameOf(name), input: blob };
        } else failed.push(wanted);
      }
      if (!failed.length) return;
      const kept = this.#kept.length;
      const choice = await this.#ask({ step: "missing", failed, kept, total: this.#wanted.length });
      if (choice === "go-on") return;
      rest = failed;
    }
  }

  async *#batches(most: number, bytes: number): AsyncGenerator<{ files: ZipEntry[]; last: boolean }> {
    let files: ZipEntry[] = [];
    let size = 0;
    for await (const file of this.#files()) {
      if (files.length === most || (files.length && size + file.input.size > bytes)) {
        yield { files, last: false };
        files = [];
        size = 0;
      }
      files.push(file);
      size += file.input.size;
    }
    if (files.length) yield { files, last: true };
  }

  async #ask(state: SavingState): Promise<"again" | "go-on"> {
    const reply = new Promise<"again" | "go-on">((resolve) => {
      this.#reply = resolve;
    });
    this.#show(state);
    const choice = await reply;
    this.#reply = undefined;
    this.#abort.signal.throwIfAborted();
    return choice;
  }

  readonly #count = (more: number) => {
    this.#bytes += more;
    this.#progress();
  };

  #progress(): void {
    if (this.#reply) return; // a question stands
    this.#show({ step: "fetching", done: this.#kept.length, total: this.#wanted.length, bytes: this.#bytes });
  }
}

const TYPES: Readonly<Record<string, string>> = { png: "png", webp: "webp", heic: "heic", avif: "avif", gif: "gif" };

/** iOS offers "Save Image" for pictures alone, and a bucket may call all of them octet-stream. */
function pictureType(name: string, type: string): string {
  if (type.startsWith("image/")) return type;
  return `image/${TYPES[name.split(".").at(-1)?.toLowerCase() ?? ""] ?? "jpeg"}`;
}
