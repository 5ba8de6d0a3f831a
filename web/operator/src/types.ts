/** What the view's server responds with; see facesearch_cli/operator/bodies.py. Times are seconds since the epoch. */
export interface About {
  readonly stack: string;
  readonly local: boolean;
  readonly org_id: number | null;
}

export interface EventRow {
  readonly event_id: number;
  readonly event_name: string;
  readonly event_date: string;
  readonly event_enabled: boolean;
}

export interface EventList {
  readonly org_id: number;
  readonly org_name: string;
  readonly total: number;
  readonly page: number;
  readonly page_size: number;
  readonly events: readonly EventRow[];
}

/** `more_photos`: the numbers before it are too low. `without_faces`, `faces`: null where somebody else keeps faces. */
export interface Counts {
  readonly photos: number;
  readonly failed: number;
  readonly without_faces: number | null;
  readonly faces: number | null;
  readonly newest_at: number | null;
  readonly more_photos: boolean;
  readonly searches: number;
  readonly more_searches: boolean;
}

export interface EventDetails extends EventRow {
  readonly org_id: number;
  readonly selfie_search: boolean;
  readonly confidence: number;
  readonly retain_until: string | null;
  readonly model: string;
  readonly faces_in: string | null;
  readonly counts: Counts;
  readonly links: { readonly all: number; readonly off: number };
}

export interface Photo {
  readonly image_id: string;
  readonly file: string;
  readonly status: "indexed" | "failed";
  readonly reason: string | null;
  readonly faces: number | null;
  readonly width: number;
  readonly height: number;
  readonly taken_at: string | null;
  readonly changed_at: number;
}

export interface PhotoList {
  readonly photos: readonly Photo[];
  readonly scanned: number;
  readonly before: string | null;
}

/** In fractions of the picture's width and height. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly score: number;
}

export interface Found {
  readonly faces: {
    readonly model: string;
    readonly recorded: number | null;
    readonly stripped: boolean;
    readonly boxes: readonly Box[];
  };
}

export interface Search {
  readonly request_id: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly total: number;
  readonly confidence: number;
  readonly consent: string | null;
  readonly watched_until: number | null;
}

export interface SearchList {
  readonly searches: readonly Search[];
  readonly scanned: number;
  readonly more: boolean;
}

export interface QueueDepth {
  readonly name: string;
  readonly waiting: number | null;
  readonly in_flight: number | null;
  readonly delayed: number | null;
  readonly oldest_seconds: number | null;
  readonly dead: number | null;
}

export interface LogLine {
  readonly at: number;
  readonly function: string;
  readonly level: string;
  readonly message: string;
  readonly ids: Readonly<Record<string, string | number>>;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  readonly stack: readonly string[];
}

export interface LastErrors {
  readonly lines: readonly LogLine[];
  readonly since: number;
  readonly complete: boolean;
}
