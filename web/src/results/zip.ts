/** ZIPs; fetched when the first one is made. */
import { downloadZip, makeZip } from "client-zip";

interface Entry {
  readonly name: string;
  readonly input: Blob;
}

/** Grows while its files arrive. */
export function zipStream(files: AsyncIterable<Entry>): ReadableStream<Uint8Array> {
  return makeZip(files);
}

export function zipBlob(files: readonly Entry[]): Promise<Blob> {
  return downloadZip(files).blob();
}
