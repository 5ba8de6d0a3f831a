/** `<face-search-grid>`: photos in justified rows, as a list of buttons for mouse, touch, keys and screen readers. */
import { html, LitElement, noChange, nothing, type PropertyValues, type TemplateResult } from "lit";
import { type AttributePart, Directive, directive, type ElementPart } from "lit/directive.js";
import { guard } from "lit/directives/guard.js";
import type { Translate } from "../i18n.ts";
import { shared } from "../styles.ts";
import type { Photo } from "../types.ts";
import { type Row, rowsOf, targetFor } from "./grid.ts";
import { gridStyles } from "./grid-styles.ts";
import { isGridKey, move } from "./keys.ts";

/** `detail` of `photo-open`, `photo-toggle` (`range`: with Shift), `photos-all` and `selecting-end`. */
export interface PhotoAction {
  readonly at: number;
  readonly range: boolean;
}

/** How often a picture is asked for again by itself, and the pause before, which grows and is never quite the same. */
const RETRIES = 2;
const RETRY_MS = 700;
/** A touch that lasts so long selects. */
const HOLD_MS = 450;
const ROWS_AT_ONCE = 2;

/** Sets a custom property by script: the page's policy refuses style attributes, and Lit's styleMap begins with one. */
class Pixels extends Directive {
  override render(_name: string, _pixels: number) {
    return noChange;
  }
  override update(part: AttributePart | ElementPart, [name, pixels]: [string, number]) {
    (part.element as HTMLElement).style.setProperty(name, `${pixels}px`);
    return noChange;
  }
}
const pixels = directive(Pixels);

export class FaceSearchGrid extends LitElement {
  static override styles = [shared, gridStyles];
  static override properties = {
    photos: { attribute: false },
    first: { attribute: false },
    total: { attribute: false },
    selecting: { type: Boolean, reflect: true },
    picked: { attribute: false },
    eager: { attribute: false },
    more: { attribute: false },
    t: { attribute: false },
    width: { state: true },
    current: { state: true },
  };

  declare photos: readonly Photo[];
  /** The list's index of `photos[0]`. */
  declare first: number;
  /** Of the whole list, for "Photo 4 of 23". */
  declare total: number;
  declare selecting: boolean;
  declare picked: ReadonlySet<number>;
  /** Whether its first row is what a guest sees first. */
  declare eager: boolean;
  /** Whether photos will follow: the last row waits for them, or it would change under the guest's eyes. */
  declare more: boolean;
  declare t: Translate;
  declare width: number;
  /** The one photo that Tab reaches, by its index in the list. */
  declare current: number;

  #rows: readonly Row[] = [];
  #gap = 6;
  /** What a guest looks at stays in sight when a phone is turned. */
  #anchor: number | null = null;
  #holdTimer: ReturnType<typeof setTimeout> | undefined;
  #holding = false;
  readonly #tries = new Map<number, number>();
  readonly #broken = new Set<number>();
  readonly #resized = new ResizeObserver(() => this.#measure());

  constructor() {
    super();
    this.photos = [];
    this.first = 0;
    this.total = 0;
    this.selecting = false;
    this.picked = new Set();
    this.eager = false;
    this.more = false;
    this.width = 0;
    this.current = 0;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#measure();
    this.#resized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.#lifted();
  }

  #measure(): void {
    const width = Math.floor(this.clientWidth);
    if (width === this.width) return;
    this.#anchor = this.width ? this.firstSeen() : null;
    this.width = width;
  }

  /** The first photo in sight; null while that is the grid's first row, or none. */
  firstSeen(): number | null {
    const above = -this.getBoundingClientRect().top;
    const row = above > 0 ? this.#rows.find(({ top, height }) => top + height / 2 > above) : undefined;
    return row && row !== this.#rows[0] ? (row.boxes[0]?.index ?? null) : null;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("photos") || changed.has("width") || changed.has("first") || changed.has("more")) {
      const wish = Number.parseFloat(getComputedStyle(this).getPropertyValue("--row-height"));
      const target = wish > 0 ? wish : targetFor(this.width);
      this.#gap = this.width < 600 ? 4 : 6;
      const rows = this.width ? rowsOf(this.photos, { width: this.width, target, gap: this.#gap }, this.first) : [];
      this.#rows = this.more ? rows.slice(0, -1) : rows;
    }
    const last = this.first + this.photos.length - 1;
    this.current = Math.max(this.first, Math.min(this.current, last));
  }

  protected override updated(): void {
    if (this.#anchor !== null) this.#buttonAt(this.#anchor)?.scrollIntoView({ block: "start" });
    this.#anchor = null;
  }

  protected override render() {
    return html`<div class="rows" part="grid" role="list" ${pixels("--gap", this.#gap)}
      @click=${this.#clicked} @keydown=${this.#pressed} @keyup=${this.#released} @focusin=${this.#focused}
      @pointerdown=${this.#touched} @pointerup=${this.#lifted} @pointercancel=${this.#lifted} @contextmenu=${this.#held}
      @error=${{ handleEvent: this.#failed, capture: true }} @load=${{ handleEvent: this.#loaded, capture: true }}>
      ${this.#rows.map((row, i) => guard(this.#signature(row), () => this.#row(row, i)))}
    </div>`;
  }

  /** All that a row's look depends on; rows that look the same are not rendered again. */
  #signature(row: Row): unknown[] {
    const state = row.boxes.map(({ index }) =>
      [this.picked.has(index), this.#broken.has(index), index === this.current].map(Number).join(""),
    );
    return [
      row,
      state.join(),
      this.selecting,
      this.total,
      this.t,
      this.photos[(row.boxes[0]?.index ?? 0) - this.first],
    ];
  }

  #row(row: Row, number: number): TemplateResult {
    return html`<div class="row" role="presentation" ${pixels("--height", row.height)}>
      ${row.boxes.map(({ index, width }) => this.#tile(index, width, row.height, number))}
    </div>`;
  }

  #tile(index: number, width: number, height: number, row: number): TemplateResult | typeof nothing {
    const photo = this.photos[index - this.first];
    if (!photo) return nothing;
    const broken = this.#broken.has(index);
    const name = this.t(broken ? "results.photo_broken" : "results.photo", { n: index + 1, total: this.total });
    return html`<div role="listitem">
      <button class="tile ${broken ? "broken" : ""}" part="tile" type="button" data-at=${index}
        tabindex=${index === this.current ? 0 : -1} aria-label=${name}
        aria-pressed=${this.selecting ? String(this.picked.has(index)) : nothing} ${pixels("--width", width)}>
        <img width=${width} height=${height} alt="" decoding="async" draggable="false"
          loading=${this.eager && row < ROWS_AT_ONCE ? "eager" : "lazy"}
          fetchpriority=${this.eager && row === 0 ? "high" : "auto"} src=${photo.thumb}>
        ${broken ? html`<span class="again" aria-hidden="true">↻</span>` : nothing}
        <span class="mark" aria-hidden="true"></span>
      </button>
    </div>`;
  }

  readonly #touched = (event: PointerEvent) => {
    const at = indexOf(event);
    this.#lifted();
    this.#holding = false;
    if (event.pointerType !== "touch" || !event.isPrimary || at === null) return;
    this.#holdTimer = setTimeout(() => {
      this.#holding = true;
      this.#tell("photo-toggle", at);
    }, HOLD_MS);
  };

  /** A scroll takes the pointer away, so that it selects nothing. */
  readonly #lifted = () => clearTimeout(this.#holdTimer);

  readonly #held = (event: Event) => {
    if ((event as PointerEvent).pointerType === "touch") event.preventDefault();
  };

  readonly #clicked = (event: MouseEvent) => {
    const at = indexOf(event);
    if (at === null) return;
    if (this.#holding) {
      this.#holding = false; // the end of a touch that has selected already
      return;
    }
    const onMark = (event.target as Element).closest(".mark") !== null;
    if (this.selecting || onMark) this.#tell("photo-toggle", at, event.shiftKey);
    else if (this.#broken.has(at)) this.#loadAgain(at);
    else this.#tell("photo-open", at);
  };

  readonly #pressed = (event: KeyboardEvent) => {
    const at = indexOf(event);
    if (at === null || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    if (event.key === " " && !control) this.#tell("photo-toggle", at, event.shiftKey);
    else if (event.key.toLowerCase() === "a" && control && !event.shiftKey) this.#tell("photos-all", at);
    else if (event.key === "Escape" && this.selecting) this.#tell("selecting-end", at);
    else if (isGridKey(event.key) && !control) this.#go(at, event);
    else return;
    event.preventDefault();
  };

  /** Firefox clicks a button when the space bar comes up again. */
  readonly #released = (event: KeyboardEvent) => {
    if (event.key === " ") event.preventDefault();
  };

  #go(at: number, event: KeyboardEvent): void {
    if (!isGridKey(event.key)) return;
    const rows = this.#rows.map((row) => ({
      ...row,
      boxes: row.boxes.map((box) => ({ ...box, index: box.index - this.first })),
    }));
    const rtl = getComputedStyle(this).direction === "rtl";
    const to = this.first + move(rows, at - this.first, event.key, this.#gap, rtl);
    if (event.shiftKey && this.selecting && to !== at) this.#tell("photo-toggle", to, true);
    this.focusPhoto(to);
  }

  readonly #focused = (event: FocusEvent) => {
    const at = indexOf(event);
    if (at !== null) this.current = at;
  };

  #tell(type: string, at: number, range = false): void {
    this.dispatchEvent(new CustomEvent<PhotoAction>(type, { detail: { at, range } }));
  }

  readonly #failed = (event: Event) => {
    const image = event.target;
    const at = indexOf(event);
    if (at === null || !(image instanceof HTMLImageElement)) return;
    image.classList.add("failed");
    const tries = this.#tries.get(at) ?? 0;
    this.#tries.set(at, tries + 1);
    if (tries >= RETRIES) {
      this.#broken.add(at);
      this.requestUpdate();
    } else {
      const pause = RETRY_MS * 3 ** tries * (0.5 + Math.random());
      setTimeout(() => this.#loadImage(at), pause);
    }
  };

  readonly #loaded = (event: Event) => (event.target as Element).classList.remove("failed");

  #loadAgain(at: number): void {
    this.#broken.delete(at);
    this.#tries.delete(at);
    this.requestUpdate();
    this.#loadImage(at);
  }

  #loadImage(at: number): void {
    const image = this.imageAt(at);
    const photo = this.photos[at - this.first];
    if (image && photo) image.src = photo.thumb; // the same address asks again
  }

  /** Whether the photo is in this grid. */
  has(at: number): boolean {
    return at >= this.first && at < this.first + this.photos.length;
  }

  #buttonAt(at: number): HTMLButtonElement | null {
    return this.renderRoot.querySelector(`[data-at="${at}"]`);
  }

  imageAt(at: number): HTMLImageElement | null {
    return this.#buttonAt(at)?.querySelector("img") ?? null;
  }

  /** Focuses the photo's tile, and scrolls to it if it is out of sight. */
  focusPhoto(at: number): void {
    this.current = at;
    const button = this.#buttonAt(at);
    button?.focus({ preventScroll: true });
    this.scrollToPhoto(at);
  }

  scrollToPhoto(at: number): void {
    const button = this.#buttonAt(at);
    if (!button) return;
    const { top, bottom } = button.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) button.scrollIntoView({ block: "center" });
    else button.scrollIntoView({ block: "nearest" });
  }
}

function indexOf(event: Event): number | null {
  const button = (event.target as Element).closest<HTMLElement>("[data-at]");
  return button ? Number(button.dataset.at) : null;
}
