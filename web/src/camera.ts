/** The camera: a stream while it is looked at, and not a moment longer. */
import type { CameraTrouble } from "./flow.ts";

const WANTED = { width: { ideal: 1280 }, height: { ideal: 960 } } as const;
/** Longer sides help nobody: the engine works on 1,280 px. */
export const SELFIE_SIDE = 1280;
export const SELFIE_QUALITY = 0.85;
/** Around the oval, on each side, as a part of the oval: a face needs some air. */
const MARGIN = 0.4;
/** Mean luma of 255 below which faces are found badly. */
const DARK = 60;

export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

/** Whether so much of a picture that fills `shown` would lie above and below it that no face fits in. */
export function isTall(picture: Size, shown: Size): boolean {
  return picture.height * shown.width > 1.5 * shown.height * picture.width;
}

/** What to take of a picture that fills `shown` as CSS's object-fit: cover does, or contain: the oval and its margin. */
export function cropOf(picture: Size, shown: Size, oval: Box, fit: "cover" | "contain" = "cover"): Box {
  const scales = [shown.width / picture.width, shown.height / picture.height] as const;
  const scale = fit === "cover" ? Math.max(...scales) : Math.min(...scales);
  const left = (picture.width * scale - shown.width) / 2;
  const top = (picture.height * scale - shown.height) / 2;
  const edge = (value: number, limit: number) => Math.round(Math.min(Math.max(value / scale, 0), limit));
  const x = edge(oval.x - oval.width * MARGIN + left, picture.width);
  const y = edge(oval.y - oval.height * MARGIN + top, picture.height);
  const right = edge(oval.x + oval.width * (1 + MARGIN) + left, picture.width);
  const bottom = edge(oval.y + oval.height * (1 + MARGIN) + top, picture.height);
  return { x, y, width: right - x, height: bottom - y };
}

/** The size with its long side at most SELFIE_SIDE. */
export function fitted({ width, height }: Size): Size {
  const scale = Math.min(1, SELFIE_SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Mean luma, 0 to 255, of RGBA pixels. */
export function lumaOf(pixels: Uint8ClampedArray): number {
  let sum = 0;
  for (let i = 0; i + 2 < pixels.length; i += 4) {
    sum += 0.2126 * (pixels[i] ?? 0) + 0.7152 * (pixels[i + 1] ?? 0) + 0.0722 * (pixels[i + 2] ?? 0);
  }
  return pixels.length ? sum / (pixels.length / 4) : 0;
}

export function troubleOf(error: unknown): CameraTrouble {
  const name = error instanceof Error ? error.name : "";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "missing";
}

/** Without HTTPS, and in most apps' built-in browsers, there is none. */
export function hasCameraAccess(): boolean {
  return typeof navigator.mediaDevices?.getUserMedia === "function";
}

/** False only where the browser knows that no camera is connected. */
export async function mayHaveCamera(): Promise<boolean> {
  if (!hasCameraAccess()) return false;
  try {
    return (await navigator.mediaDevices.enumerateDevices()).some((device) => device.kind === "videoinput");
  } catch {
    return true;
  }
}

export class Camera {
  facing: "user" | "environment" = "user";
  #stream: MediaStream | null = null;
  #asked = 0;

  /** Opens the stream, or gives the one that is open. Null: stopped before it opened. */
  async start(): Promise<MediaStream | null> {
    if (this.#stream?.active) return this.#stream;
    this.#asked += 1;
    const asked = this.#asked;
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: this.facing, ...WANTED },
      audio: false,
    });
    if (asked !== this.#asked) {
      end(stream);
      return null;
    }
    this.#stream = stream;
    return stream;
  }

  /** The light goes out. */
  stop(): void {
    this.#asked += 1;
    if (this.#stream) end(this.#stream);
    this.#stream = null;
  }

  flip(): void {
    this.stop();
    this.facing = this.facing === "user" ? "environment" : "user";
  }
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

export function isDark(video: HTMLVideoElement): boolean {
  const canvas = document.createElement("canvas");
  canvas.width = 64;
  canvas.height = 64;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context || !video.videoWidth) return false;
  context.drawImage(video, 0, 0, 64, 64);
  return lumaOf(context.getImageData(0, 0, 64, 64).data) < DARK;
}

/** The oval and its margin out of the video, never mirrored. Null: this browser's canvas gives no picture. */
export function captured(video: HTMLVideoElement, oval: Element): Promise<Blob | null> {
  const shown = video.getBoundingClientRect();
  const at = oval.getBoundingClientRect();
  const box = { x: at.left - shown.left, y: at.top - shown.top, width: at.width, height: at.height };
  const fit = getComputedStyle(video).objectFit === "contain" ? "contain" : "cover";
  return drawn(video, cropOf({ width: video.videoWidth, height: video.videoHeight }, shown, box, fit));
}

/** A part of a picture as a JPEG of at most SELFIE_SIDE, upright and without metadata. */
export function drawn(source: CanvasImageSource, part: Box): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, fitted(part));
  const context = canvas.getContext("2d");
  if (!context || !part.width || !part.height) return Promise.resolve(null);
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // under what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, part.x, part.y, part.width, part.height, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", SELFIE_QUALITY));
}
