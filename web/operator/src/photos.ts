/** `<operator-photos>`: an event's photos, latest first, and over them the one that is looked at. */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { Loading } from "./api.ts";
import { count, several } from "./format.ts";
import { address, type Filter } from "./route.ts";
import { styles } from "./styles.ts";
import type { Photo, PhotoList } from "./types.ts";

const FILTER_NAMES: Record<Filter, string> = { all: "All", failed: "Failed", no_face: "No face" };

export class OperatorPhotos extends LitElement {
  static override styles = [
    ...styles,
    css`
      .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; margin-block: 16px; }
      .grid > li { min-inline-size: 0; }
      .tile { display: block; text-decoration: none; border-radius: 8px; }
      .picture { position: relative; display: grid; place-items: center; aspect-ratio: 4 / 3; overflow: hidden; border-radius: 8px; background: var(--sunken); border: 1px solid var(--line); }
      img { inline-size: 100%; block-size: 100%; object-fit: contain; }
      .tile:hover .picture { border-color: var(--muted); }
      .faces { position: absolute; inset-block-end: 6px; inset-inline-end: 6px; }
      .faces.pill { background: rgb(12 12 16 / 0.72); color: #fff; }
      .why { padding: 10px; font-size: 0.8125rem; text-align: center; color: var(--danger); overflow-wrap: anywhere; }
      .file { display: block; margin-block-start: 4px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 0.8125rem; }
      form { margin-inline-start: auto; }
      @media (max-width: 639px) { .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; } form, form input { inline-size: 100%; } }
    `,
  ];
  static override properties = {
    event: { attribute: false },
    filter: { attribute: false },
    name: { attribute: false },
    photo: { attribute: false },
  };
  declare event: number;
  declare filter: Filter;
  declare name: string;
  declare photo: string | null;
  readonly #list = new Loading<PhotoList>(this);
  #photos: Photo[] = [];
  #scanned = 0;

  override willUpdate(changed: PropertyValues): void {
    if (!["event", "filter", "name"].some((name) => changed.has(name))) return;
    this.#photos = [];
    this.#scanned = 0;
    this.#load("");
  }

  async #load(before: string): Promise<void> {
    const values = new URLSearchParams({ filter: this.filter, name: this.name, ...(before ? { before } : {}) });
    const page = await this.#list.start(`events/${this.event}/photos?${values}`, !before);
    if (!page) return;
    this.#photos = [...this.#photos, ...page.photos];
    this.#scanned += page.scanned;
    this.requestUpdate();
  }

  #address(changes: { filter?: Filter; name?: string; photo?: string | null }): string {
    const { event, filter, name } = this;
    return address({ screen: "photos", event, filter, name, photo: null, ...changes });
  }

  override render() {
    const search = (event: SubmitEvent) => {
      event.preventDefault();
      const name = String(new FormData(event.target as HTMLFormElement).get("name") ?? "").trim();
      location.hash = this.#address({ name });
    };
    const filters = Object.entries(FILTER_NAMES) as [Filter, string][];
    return html`
      <div class="bar">
        <div class="tabs" role="group" aria-label="Which photos">
          ${filters.map(([filter, title]) => html`<a href=${this.#address({ filter })} aria-current=${filter === this.filter ? "true" : nothing}>${title}</a>`)}
        </div>
        <form role="search" @submit=${search}><input type="search" name="name" maxlength="200" aria-label="File name" placeholder="File name, then Enter" .value=${this.name}></form>
      </div>
      ${this.#photos.length ? html`<ul class="grid">${this.#photos.map((photo) => this.#tile(photo))}</ul>` : nothing}
      ${this.#state()}
      ${this.photo ? html`<operator-photo .event=${this.event} .photo=${this.photo} .ids=${this.#photos.map((photo) => photo.image_id)} @go=${this.#go}></operator-photo>` : nothing}`;
  }

  /** The photo that was looked at is where the keyboard goes on. */
  override updated(changed: PropertyValues<this>): void {
    const before = changed.get("photo");
    if (before && !this.photo) this.renderRoot.querySelector<HTMLElement>(`[data-id="${CSS.escape(before)}"]`)?.focus();
  }

  readonly #go = (event: CustomEvent<string | null>) => {
    const target = this.#address({ photo: event.detail });
    // Photo by photo is no history that anybody wants to go back through.
    if (event.detail) location.replace(target);
    else location.hash = target;
  };

  #tile(photo: Photo) {
    const isFailed = photo.status === "failed";
    const source = `api/events/${this.event}/photos/${photo.image_id}/small.jpg`;
    return html`<li><a class="tile" data-id=${photo.image_id} href=${this.#address({ photo: photo.image_id })}>
      <span class="picture">${isFailed ? html`<span class="why">${photo.reason ?? "Failed"}</span>` : html`<img src=${source} alt="" loading="lazy" decoding="async"><span class="faces pill">${photo.faces === null ? "faces elsewhere" : photo.reason ? "lost its faces" : photo.faces ? several(photo.faces, "face") : "no face"}</span>`}</span>
      <span class="file" title=${photo.file}>${photo.file}</span></a></li>`;
  }

  #state() {
    const { problem, isBusy, value } = this.#list;
    if (problem)
      return html`<p class="problem" role="alert">${problem} <button @click=${() => this.#load(value?.before ?? "")}>Try again</button></p>`;
    if (isBusy && !value) return html`<p class="note" role="status">Loading photos…</p>`;
    const before = value?.before;
    const looked = this.#scanned > this.#photos.length ? `, of ${count(this.#scanned)} looked through` : "";
    return html`
      ${this.#photos.length || before ? nothing : html`<p class="empty">${this.filter === "failed" ? "No photo has failed." : "There are no such photos."}</p>`}
      <div class="bar"><span class="muted" role="status">${several(this.#photos.length, "photo")}${looked}${before ? "" : ". That is all."}</span>
      ${before ? html`<button ?disabled=${isBusy} @click=${() => this.#load(before)}>${isBusy ? "Loading…" : "Look further back"}</button>` : nothing}</div>`;
  }
}
