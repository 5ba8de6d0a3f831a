/** `<face-search-results>`: the photos that a search found; opening, selecting, saving and sharing them. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { type Api, PAGE_SIZE } from "../api.ts";
import { isBib } from "../bib.ts";
import { Speech } from "../i18n.ts";
import { shared } from "../styles.ts";
import type { EventPage, MenuChoice, NewPhoto, Photo } from "../types.ts";
import { enter, type HistoryMode, layer, leave, remember, remembered } from "./address.ts";
import { Handing } from "./handing.ts";
import { PhotoList } from "./list.ts";
import { FaceSearchMenu } from "./menu.ts";
import { FaceSearchGrid, type PhotoAction } from "./photo-grid.ts";
import { resultsStyles } from "./results-styles.ts";
import type { FaceSearchSaving } from "./saving-sheet.ts";
import { all, extend, inOrder, NOTHING, type Selection, toggle } from "./selection.ts";
import { sharesFiles } from "./sharing.ts";
import { Viewing } from "./viewing.ts";

/** Further pages are asked for when the end is that near. */
const NEAR_PIXELS = 1500;
/** A page that has not come by then may be asked for again. */
const ASK_AGAIN_MS = 5000;
/** Scrolling has come to rest. Browsers let a page note 100 places in 30 seconds. */
const SCROLL_MS = 400;
const TOAST_MS = 4000;

/**
 * Texts come from `speech`, all else from the properties below. Events: `need-page` (detail {page}), `notice` (a text for
 * the live region), `menu` (a MenuChoice), `saved` (detail {count}). Slots: `watch` for more buttons beside "Look again", `bib`
 * for the field where a bib has no photos.
 */
export class FaceSearchResults extends LitElement {
  static override styles = [shared, resultsStyles];
  static override properties = {
    photos: { attribute: false },
    newPhotos: { attribute: false },
    total: { attribute: false },
    heading: { attribute: false },
    requestId: { attribute: false },
    eventPage: { attribute: false },
    api: { attribute: false },
    history: { attribute: false },
    speech: { attribute: false },
    selecting: { type: Boolean, reflect: true },
    selection: { state: true },
  };

  /** Loaded so far, from the first on. */
  declare photos: readonly Photo[];
  /** Shown above the others, under "New". */
  declare newPhotos: readonly NewPhoto[];
  declare total: number;
  /** In place of "23 photos of you". */
  declare heading: string | null;
  /** Or a bib. */
  declare requestId: string;
  declare eventPage: EventPage;
  declare api: Api;
  declare history: HistoryMode;
  declare speech: Speech;
  declare selecting: boolean;
  declare selection: Selection;

  /** A photo to come back to after a reload. */
  #seen: number | null = null;
  #nearEnd = false;
  /** How many photos were loaded when the next page was asked for, and when that was. */
  #asked = -1;
  #askedAt = 0;
  readonly #list = new PhotoList(this);
  /** Photos that show the face, and after them those that their bib alone has found. */
  #byFace: readonly Photo[] = [];
  #byBib: readonly Photo[] = [];
  #saving: FaceSearchSaving | null = null;
  readonly #handing = new Handing(this, this.#list, () => this.#fetchSaving());
  readonly #viewing = new Viewing(this, this.#list);
  readonly #toast = document.createElement("div");
  #toastTimer: ReturnType<typeof setTimeout> | undefined;
  #scrollTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #end = new IntersectionObserver(([entry]) => this.#endMoved(entry?.isIntersecting ?? false), {
    rootMargin: `${NEAR_PIXELS}px`,
  });

  constructor() {
    super();
    this.photos = [];
    this.newPhotos = [];
    this.total = 0;
    this.heading = null;
    this.requestId = "";
    this.history = "none";
    this.speech = new Speech();
    this.selecting = false;
    this.selection = NOTHING;
    this.#toast.className = "toast";
    this.#toast.setAttribute("aria-hidden", "true"); // `notice` speaks it
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#walked);
    addEventListener("scroll", this.#scrolled, { passive: true });
    this.addEventListener("keydown", this.#pressed);
    this.requestUpdate(); // which looks for the list's end again
    if (this.history === "none") return;
    this.#viewing.follow();
    this.#seen = remembered();
    this.selecting = layer() === "select";
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.#walked);
    removeEventListener("scroll", this.#scrolled);
    clearTimeout(this.#scrollTimer);
    clearTimeout(this.#toastTimer);
    this.#end.disconnect();
    this.#viewing.end();
    this.#saving?.close();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("requestId")) {
      this.#asked = -1;
      if (changed.get("requestId")) this.selection = NOTHING;
    }
    if (!changed.has("photos")) return;
    const at = this.photos.findIndex((photo) => photo.byBib);
    this.#byFace = at < 0 ? this.photos : this.photos.slice(0, at);
    this.#byBib = at < 0 ? [] : this.photos.slice(at);
  }

  protected override updated(changed: PropertyValues): void {
    const end = this.renderRoot.querySelector(".end");
    if (end) this.#end.observe(end);
    if (changed.has("photos") || changed.has("newPhotos")) this.#viewing.refresh();
    this.#viewing.byAddress();
    this.#comeBack();
    this.#needMore();
  }

  /** The heading, for whom reads by ear. */
  override focus(options?: FocusOptions): void {
    this.renderRoot.querySelector<HTMLElement>("h1")?.focus(options);
  }

  // ---------------------------------------------------------------- pages

  #endMoved(near: boolean): void {
    this.#nearEnd = near;
    this.#needMore();
  }

  #needMore(): void {
    const wanted = this.#nearEnd || Math.max(this.#viewing.named ?? -1, this.#seen ?? -1) >= this.#list.loaded;
    if (wanted) this.need();
  }

  need(): void {
    const loaded = this.photos.length;
    const asked = this.#asked === loaded && Date.now() - this.#askedAt < ASK_AGAIN_MS;
    if (loaded >= this.total || asked || !this.requestId) return;
    this.#asked = loaded;
    this.#askedAt = Date.now();
    this.#fire("need-page", { page: Math.floor(loaded / PAGE_SIZE) + 1 });
  }

  // ---------------------------------------------------------------- the place in the list

  /** A reload comes back to the photo that was in sight, not to a pixel. While the page goes, it is too late to note it. */
  readonly #scrolled = () => {
    clearTimeout(this.#scrollTimer);
    if (this.history === "none" || this.#seen !== null) return;
    this.#scrollTimer = setTimeout(() => {
      remember([...this.#grids()].map((grid) => grid.firstSeen()).find((at) => at !== null) ?? null);
    }, SCROLL_MS);
  };

  async #comeBack(): Promise<void> {
    const at = this.#seen;
    if (at === null || (at < this.#list.count && !this.#list.at(at))) return;
    this.#seen = null;
    await this.gridOf(at)?.updateComplete;
    this.gridOf(at)?.scrollToPhoto(at);
  }

  #grids(): Iterable<FaceSearchGrid> {
    return this.renderRoot.querySelectorAll<FaceSearchGrid>("face-search-grid");
  }

  gridOf(at: number): FaceSearchGrid | undefined {
    return [...this.#grids()].find((grid) => grid.has(at));
  }

  // ---------------------------------------------------------------- layers

  /** Back and Forward. */
  readonly #walked = () => {
    if (this.history === "none") return;
    this.#viewing.follow();
    this.#needMore();
    const selects = layer() === "select";
    if (this.selecting !== selects && layer() !== "photo") this.#selects(selects);
  };

  /** Keeps the saving in reach: an open photo is modal. */
  layered(): void {
    if (this.#saving) (this.#viewing.dialog ?? this.renderRoot).append(this.#saving);
  }

  async #fetchSaving(): Promise<FaceSearchSaving> {
    const { FaceSearchSaving } = await import("./saving-sheet.ts");
    if (!customElements.get("face-search-saving")) customElements.define("face-search-saving", FaceSearchSaving);
    this.#saving ??= document.createElement("face-search-saving") as FaceSearchSaving;
    if (!this.#saving.isConnected) this.layered();
    return this.#saving;
  }

  // ---------------------------------------------------------------- selecting

  #select(on: boolean): void {
    if (on === this.selecting) return;
    this.#selects(on);
    if (this.history === "none") return;
    if (on) enter("select");
    else if (layer() === "select") leave();
  }

  async #selects(on: boolean): Promise<void> {
    this.selecting = on;
    if (!on) this.selection = NOTHING;
    await this.updateComplete;
    // The button that did it is gone, and with it the focus.
    const root = this.renderRoot as ShadowRoot;
    if (!root.activeElement) root.querySelector<HTMLElement>(on ? ".end-selecting" : ".select")?.focus();
  }

  readonly #pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape" && this.selecting && !this.#viewing.dialog && !event.defaultPrevented)
      this.#select(false);
  };

  readonly #toggled = ({ detail }: CustomEvent<PhotoAction>) => {
    this.#select(true);
    this.selection = detail.range ? extend(this.selection, detail.at) : toggle(this.selection, detail.at);
  };

  readonly #everything = () => {
    this.#select(true);
    const already = this.selection.picked.size === this.#list.count;
    this.selection = already ? NOTHING : all(this.#list.count);
    this.#fire("notice", this.#t("results.selected", { n: this.selection.picked.size }));
  };

  // ---------------------------------------------------------------- words

  #t(...parameters: Parameters<Speech["t"]>): string {
    return this.speech.t(...parameters);
  }

  #fire(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  speak(text: string): void {
    if (this.#viewing.dialog) this.#viewing.say(text);
    else this.#fire("notice", text);
  }

  save(at: readonly number[]): void {
    this.#handing.save(at);
  }

  share(at: readonly number[]): void {
    this.#handing.share(at);
  }

  saved(count: number): void {
    this.#fire("saved", { count });
  }

  say(text: string): void {
    this.#toast.textContent = text;
    (this.#viewing.dialog ?? this.renderRoot).append(this.#toast);
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => this.#toast.remove(), TOAST_MS);
    this.speak(text);
  }

  protected override render() {
    if (!this.requestId || !this.eventPage) return nothing;
    if (!this.#list.count) return this.#empty();
    const fresh = this.newPhotos.length;
    const more = this.photos.length < this.total;
    const [faces, bibs] = [this.#byFace.length, this.#byBib.length];
    return html`${this.#bar()}
      ${fresh ? this.#titled("new", this.#t("results.new", { n: fresh }), this.#grid(this.newPhotos, 0, true)) : nothing}
      ${
        faces
          ? html`<section class=${more && !bibs ? "more" : ""} aria-label=${this.#heading}>
            ${this.#grid(this.#byFace, fresh, !fresh, more && !bibs)}</section>`
          : nothing
      }
      ${bibs ? this.#titled(more ? "more" : "", this.#t("bib.also"), this.#grid(this.#byBib, fresh + faces, !fresh && !faces, more)) : nothing}
      <div class="end"></div>
      ${this.eventPage.photos.complete || more ? nothing : this.#arriving()}`;
  }

  #titled(kind: string, title: string, grid: TemplateResult) {
    return html`<section class=${kind} aria-label=${title}><h2>${title}</h2>${grid}</section>`;
  }

  get #heading(): string {
    return this.heading ?? this.#t("results.found", { n: this.#list.count });
  }

  #grid(photos: readonly Photo[], first: number, eager: boolean, more = false) {
    return html`<face-search-grid exportparts="grid, tile" .photos=${photos} .first=${first} .total=${this.#list.count} .eager=${eager} .more=${more}
      .selecting=${this.selecting} .picked=${this.selection.picked} .t=${this.speech.t}
      @photo-open=${(event: CustomEvent<PhotoAction>) => this.#viewing.open(event.detail.at)} @photo-toggle=${this.#toggled}
      @photos-all=${this.#everything} @selecting-end=${() => this.#select(false)}></face-search-grid>`;
  }

  #bar() {
    return html`<div class="bar"><h1 tabindex="-1">${this.#heading}</h1>${this.selecting ? this.#selectingBar() : this.#actions()}</div>`;
  }

  #actions() {
    return html`<div class="acts">
      <button type="button" class="primary" part="button" @click=${() => this.save(inOrder(all(this.#list.count)))}>
        ${this.#t(this.#list.count === 1 ? "results.save" : "results.save_all")}</button>
      <button type="button" class="select" part="button" @click=${() => this.#select(true)}>${this.#t("results.select")}</button>
      ${this.#menu("push")}
    </div>`;
  }

  #selectingBar() {
    const n = this.selection.picked.size;
    const most = n === this.#list.count;
    return html`<div class="acts selecting">
      <button type="button" class="icon end-selecting" aria-label=${this.#t("results.select_end")} @click=${() => this.#select(false)}>
        <span aria-hidden="true">✕</span></button>
      <p class="count">${n ? this.#t("results.selected", { n }) : this.#t("results.select_hint")}</p>
      <button type="button" class="push" @click=${this.#everything}>${this.#t(most ? "results.none" : "results.all")}</button>
      <div class="todo">
        <button type="button" class="primary" part="button" ?disabled=${!n} @click=${() => this.save(inOrder(this.selection))}>
          ${n ? this.#t("results.save_n", { n }) : this.#t("results.save")}</button>
        ${
          sharesFiles()
            ? html`<button type="button" part="button" ?disabled=${!n} @click=${() => this.share(inOrder(this.selection))}>
              ${this.#t("results.share")}</button>`
            : nothing
        }
      </div>
    </div>`;
  }

  #arriving() {
    return html`<div class="arriving"><p>${this.#t("results.arriving")}</p>
      <button type="button" @click=${() => this.#fire("menu", "look-again")}>${this.#t("results.look_again")}</button>
      <slot name="watch"></slot></div>`;
  }

  #empty() {
    const { photos, allows } = this.eventPage;
    const { complete, newest_at } = photos;
    const { requestId } = this;
    const bib = isBib(requestId);
    const title = complete ? "none" : "yet";
    const last = newest_at
      ? this.#t("results.empty.last", { ago: this.speech.ago(newest_at) })
      : this.#t("results.arriving");
    return html`<div class="empty">
      <h1 tabindex="-1">${bib ? this.#t(`bib.${title}`, { bib: requestId }) : this.#t(`results.empty.${title}`)}</h1>
      <p class="muted">${!complete ? last : bib ? nothing : this.#t("results.empty.advice")}</p>
      <slot name="bib"></slot>
      <div class="buttons">
        ${complete ? nothing : html`<button type="button" class="primary" @click=${() => this.#fire("menu", "look-again")}>${this.#t("results.look_again")}</button>`}
        ${
          allows.search
            ? html`<button type="button" class=${complete ? "primary" : ""} @click=${() => this.#fire("menu", "again")}>
              ${this.#t(bib ? "start.selfie" : "results.empty.again")}</button>`
            : nothing
        }
        <slot name="watch"></slot>
        ${this.#menu()}
      </div>
    </div>`;
  }

  #menu(kind = "") {
    return html`<face-search-menu class=${kind} .t=${this.speech.t} .link=${this.history === "query"} .bib=${isBib(this.requestId)}
      @menu=${(event: CustomEvent<MenuChoice>) => this.#fire("menu", event.detail)}></face-search-menu>`;
  }
}

for (const [name, element] of Object.entries({
  "face-search-grid": FaceSearchGrid,
  "face-search-menu": FaceSearchMenu,
}))
  if (!customElements.get(name)) customElements.define(name, element);
