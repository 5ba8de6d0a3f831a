/** What the API and the page's HTML say, in the page's own words. */

/** One photo of a result. `width` and `height` are the original's as displayed; null where they are unknown. */
export interface Photo {
  readonly id: string;
  /** JPEG of at most 400 px. */
  readonly thumb: string;
  /** JPEG of at most 2,048 px. */
  readonly large: string;
  /** JPEG of at most 1,024 px; photos that were indexed by an older version have none there. */
  readonly medium?: string | null;
  readonly width: number | null;
  readonly height: number | null;
  /** Found by its bib alone, beside those that show the face. */
  readonly byBib?: boolean;
}

/**
 * One page of a finished search, whose order never changes and which photos that are added later are not in. Or one of a
 * bib: these are in the order of their time, and later ones are among them.
 */
export interface ResultPage {
  /** The bib, of a bib's photos: see `isBib`. So it is wherever a result is named. */
  readonly requestId: string;
  readonly photos: readonly Photo[];
  readonly total: number;
  /** Counts from 1; 0 when nothing was found. */
  readonly page: number;
  readonly pages: number;
  /** How many faces the selfie shows; null where the response does not say. */
  readonly selfieFaces: number | null;
  /** What later photos have brought; absent where nobody asked. */
  readonly later?: Later | null;
}

/** A photo of a later look that the search itself has not: where it is in the search that found it, from 0. */
export interface NewPhoto extends Photo {
  readonly requestId: string;
  readonly position: number;
}

/** What has come of a search since. */
export interface Later {
  /** The last moment of the watch, in ISO 8601; null: nothing is watched, or no more. */
  readonly until: string | null;
  readonly photos: readonly NewPhoto[];
}

/** A link to an original; S3 sends it as an attachment, for at most an hour. */
export interface OriginalLink {
  readonly url: string;
  readonly filename: string;
}

export interface OriginalPage {
  readonly links: readonly OriginalLink[];
  /** Ids of photos without a link. Take them out of the page's ids; the rest are in the order of `links`. */
  readonly failed: readonly string[];
}

/** `data` of GET …/page: what a guest may know of the event. Names are the API's. */
export interface EventPage {
  readonly event_name: string;
  readonly event_date: string;
  readonly cover_image: string | null;
  readonly organiser: string | null;
  readonly privacy_url: string | null;
  /** `text` null: the page's own sentence. */
  readonly consent: { readonly version: string; readonly text: string | null } | null;
  readonly retention: {
    readonly selfie_days: number;
    readonly result_days: number;
    readonly faces_until: string | null;
  };
  readonly allows: {
    readonly search: boolean;
    /** Whether photos are found by bib; pages that an older version has rendered do not say. */
    readonly bibs?: boolean;
    readonly originals: boolean;
    readonly watch: boolean;
    readonly watch_days: number;
  };
  readonly photos: { readonly complete: boolean; readonly newest_at: string | null };
  readonly locale: string | null;
  /** `#rrggbb` */
  readonly accent: string | null;
  readonly max_selfie_bytes: number;
  readonly challenge: null;
}

/** What the link's HTML carries in `<script id="face-search-config">`. */
export interface PageConfig {
  readonly api: string;
  readonly org: number;
  readonly event: number;
  readonly token: string;
  /** The link's name in its address. */
  readonly link: string;
  readonly page: EventPage;
  /** SVG of the page's own address; empty where there is none. */
  readonly qr: string;
}

/** Values of the header `Face-Search-Error` that the page knows, and three of its own: `offline`, `network` and `unknown`. */
export const PROBLEM_CODES = [
  "no_face",
  "other_person",
  "unusable_image",
  "unknown_upload",
  "consent_needed",
  "too_large",
  "no_key",
  "key_unknown",
  "token_unknown",
  "token_expired",
  "origin",
  "not_for_tokens",
  "wrong_organisation",
  "wrong_event",
  "scope",
  "event_off",
  "search_off",
  "search_over",
  "no_event",
  "no_search",
  "no_images",
  "invalid",
  "in_progress",
  "quota",
  "token_quota",
  "throttled",
  "engine_busy",
  "internal",
  "no_route",
  "offline",
  "network",
  "unknown",
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** What the results view asks of the element around it, as `menu` events. */
export type MenuChoice = "delete" | "again" | "look-again" | "copy-link" | "missing" | "privacy";
