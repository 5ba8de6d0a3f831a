/** Where the element stands: in our own page, whose HTML says everything, or in a site's, by attributes. */
import type { EventPage, PageConfig } from "./types.ts";

export interface Place {
  readonly api: string;
  readonly org: string;
  readonly event: string;
  readonly token: string;
  /** What the field for it begins with. */
  readonly bib: string;
  /** Names what is kept in the browser. */
  readonly link: string;
  /** The event as the HTML has it; null: the API is asked. */
  readonly page: EventPage | null;
  readonly qr: string;
  readonly history: "query" | "none";
  readonly camera: "both" | "only" | "off";
  readonly originals: "auto" | "off";
  readonly kiosk: boolean;
}

/** What our own page's HTML says; null on any other page. */
export function configOf(root: Document): Place | null {
  const script = root.getElementById("face-search-config");
  if (!script?.textContent) return null;
  const config = JSON.parse(script.textContent) as PageConfig;
  const kiosk = new URL(root.location.href).searchParams.has("kiosk");
  return {
    ...config,
    org: String(config.org),
    event: String(config.event),
    bib: "",
    history: "query",
    camera: "both",
    originals: "auto",
    kiosk,
  };
}

export function attributesOf(element: Element): Place {
  const text = (name: string) => element.getAttribute(name) ?? "";
  const one = <T extends string>(name: string, ...values: readonly [T, ...T[]]): T =>
    values.find((value) => value === element.getAttribute(name)) ?? values[0];
  const [org, event] = [text("org"), text("event")];
  return {
    api: text("api"),
    org,
    event,
    token: text("token"),
    bib: text("bib"),
    link: `${org}/${event}`,
    page: null,
    qr: "",
    history: one("history", "none", "query"),
    camera: one("camera", "both", "only", "off"),
    originals: one("originals", "auto", "off"),
    kiosk: element.hasAttribute("kiosk"),
  };
}

/** Relative luminance of `#rrggbb`, 0 to 1: WCAG 2.2. */
export function luminanceOf(colour: string): number {
  const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The event's colour, and black or white on it: whichever contrasts more. */
export function accentStyles(accent: string | null): readonly (readonly [string, string])[] {
  if (!accent || !/^#[0-9a-f]{6}$/i.test(accent)) return [];
  const luminance = luminanceOf(accent);
  const onWhite = 1.05 / (luminance + 0.05);
  const onBlack = (luminance + 0.05) / 0.05;
  return [
    ["--event-accent", accent],
    ["--event-on-accent", onWhite >= onBlack ? "#ffffff" : "#000000"],
  ];
}

/** The event as if it gave no originals. */
export function withoutOriginals(event: EventPage): EventPage {
  return { ...event, allows: { ...event.allows, originals: false } };
}
