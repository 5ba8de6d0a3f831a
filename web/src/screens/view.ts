/** What a screen needs of the element, and the small parts that screens share. */
import { html, nothing, type TemplateResult } from "lit";
import type { Api } from "../api.ts";
import type { FlowEvent, State } from "../flow.ts";
import type { Speech, Translate } from "../i18n.ts";
import type { OwnSearch } from "../storage.ts";

export type Sheet = "privacy" | "copy" | "missing" | "watch";

export interface View {
  readonly state: State;
  readonly speech: Speech;
  readonly t: Translate;
  /** Inside a site's own page, which has its own landmarks and h1. */
  readonly embedded: boolean;
  readonly cameraWish: "both" | "only" | "off";
  readonly kiosk: boolean;
  /** The app whose built-in browser this is; null: a real browser. */
  readonly app: string | null;
  readonly bannerSeen: boolean;
  /** Eight seconds after the file picker was asked for, nothing had come of it. */
  readonly pickerSilent: boolean;
  readonly preparing: boolean;
  readonly dropping: boolean;
  /** False where the browser knows that it has no camera. */
  readonly cameraLikely: boolean;
  /** SVG of this page's address; empty = none. */
  readonly qr: string;
  readonly searches: readonly OwnSearch[];
  readonly selfieUrl: string | null;
  /** Whether the selfie was chosen as a file. */
  readonly fromFile: boolean;
  /** Milliseconds since 1970, when this was rendered: what counts down reads it. */
  readonly now: number;
  readonly api: Api;
  /** Whether the page's address names the search. */
  readonly addressed: boolean;
  /** The guest has seen that the selfie shows several faces. */
  readonly facesKept: boolean;
  readonly newRequestId: () => string;
  dispatch(event: FlowEvent): void;
  openSearch(id: string): void;
  takeSelfie(): void;
  /** Another picture, in the way the last one was taken. */
  takeAnother(): void;
  reset(): void;
  keepFaces(): void;
  /** Searches once more, with the selfie that this tab has, or a new one. */
  lookAgain(): void;
  /** Has later photos watched for, with the selfie that found the result, or one that is chosen now. */
  keepLooking(): void;
  tell(name: string, detail?: unknown): void;
  dismissBanner(): void;
  show(sheet: Sheet | null): void;
  say(text: string): void;
  speak(language: string): void;
}

/** The organiser's name, or words for nobody in particular. */
export const organiserOf = (view: View) => view.state.event?.organiser || view.t("organiser");

/** The state's heading, which the focus moves to. */
export function heading(view: View, text: string): TemplateResult {
  return view.embedded
    ? html`<h2 class="title" tabindex="-1">${text}</h2>`
    : html`<h1 class="title" tabindex="-1">${text}</h1>`;
}

/** A day so many days from now, in the guest's language. */
export const dayIn = (view: View, days: number) =>
  view.speech.date(new Date(Date.now() + days * 86_400_000).toISOString());

const PATHS = {
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  close: "M6 6l12 12M18 6L6 18",
  flip: "M4 11a8 8 0 0 1 14-4.5L20 9M20 4v5h-5M20 13a8 8 0 0 1-14 4.5L4 15M4 20v-5h5",
  back: "M15 5l-7 7 7 7",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
  sad: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 16.5c2-2.2 5-2.2 7 0M9 10h.01M15 10h.01",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  face: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9 10h.01M15 10h.01M9 14.5c1.7 1.7 4.3 1.7 6 0",
} as const;

export function icon(name: keyof typeof PATHS): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor"
    stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d=${PATHS[name]} /></svg>`;
}

/** A modal sheet; opened by the element once it is in the document. */
export function sheet(
  view: View,
  title: string,
  body: unknown,
  close: () => void,
  actions: unknown = nothing,
): TemplateResult {
  return html`<dialog class="bottom" part="sheet" aria-label=${title} @close=${close} @click=${closeOnBackdrop}>
    <div class="sheet">
      <h2 tabindex="-1">${title}</h2>
      ${body}
      <div class="actions">${actions}<button type="button" @click=${closeDialog}>${view.t("close")}</button></div>
    </div>
  </dialog>`;
}

export function closeDialog(event: Event): void {
  (event.currentTarget as Element).closest("dialog")?.close();
}

function closeOnBackdrop(event: Event): void {
  if (event.target === event.currentTarget) (event.currentTarget as HTMLDialogElement).close();
}
