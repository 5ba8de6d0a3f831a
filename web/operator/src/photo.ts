/** `<operator-photo>`: one photo, what its record says, and where faces are found in it now. Fires `go`: to a photo, or null. */
import { css, html, LitElement, nothing, type PropertyValues, svg } from "lit";
import { Loading } from "./api.ts";
import { several, time, UNKNOWN } from "./format.ts";
import { styles } from "./styles.ts";
import type { Box, Found, Photo } from "./types.ts";

export class OperatorPhoto extends LitElement {
  static override styles = [
    ...styles,
    css`
      dialog { padding: 0; border: 0; inline-size: min(1400px, 100vw - 32px); max-inline-size: none; block-size: min(900px, 100dvh - 32px); max-block-size: none; border-radius: 12px; background: var(--paper); color: var(--ink); overflow: hidden; }
      dialog::backdrop { background: var(--shade); }
      .layout { display: grid; grid-template-columns: minmax(0, 1fr) 340px; block-size: 100%; }
      .stage { position: relative; display: grid; place-items: center; min-block-size: 0; padding: 16px; background: var(--sunken); }
      figure { position: relative; margin: 0; display: grid; max-block-size: 100%; min-block-size: 0; }
      figure > * { grid-area: 1 / 1; }
      figure img { display: block; max-inline-size: 100%; max-block-size: calc(min(900px, 100dvh - 32px) - 32px); inline-size: auto; block-size: auto; border-radius: 4px; }
      figure svg { inline-size: 100%; block-size: 100%; overflow: hidden; border-radius: 4px; pointer-events: none; }
      rect { fill: none; stroke: #fff; stroke-width: 2; vector-effect: non-scaling-stroke; paint-order: stroke; }
      rect.edge { stroke: rgb(0 0 0 / 0.75); stroke-width: 5; }
      rect.chosen { stroke: #ffd23f; stroke-width: 4; }
      aside { padding: 16px; overflow: auto; border-inline-start: 1px solid var(--line); display: grid; gap: 16px; align-content: start; }
      .top { display: flex; gap: 8px; align-items: center; }
      .top button:last-child { margin-inline-start: auto; }
      h1 { font-size: 1rem; }
      dl { display: grid; grid-template-columns: auto 1fr; gap: 4px 12px; }
      dt { color: var(--muted); }
      li { display: grid; grid-template-columns: 2ch 1fr auto; gap: 10px; padding: 5px 8px; border-radius: 6px; font-variant-numeric: tabular-nums; }
      li:hover, li:focus { background: var(--fill); }
      section { display: grid; gap: 8px; }
      @media (max-width: 799px) {
        dialog { inline-size: 100vw; block-size: 100dvh; border-radius: 0; overflow: auto; }
        .layout { grid-template-columns: minmax(0, 1fr); block-size: auto; }
        .stage { padding: 0; min-block-size: 30vh; }
        figure img { max-block-size: 60dvh; border-radius: 0; }
        aside { border: 0; overflow: visible; }
      }
    `,
  ];
  static override properties = {
    event: { attribute: false },
    photo: { attribute: false },
    ids: { attribute: false },
    chosen: { state: true },
    boxed: { state: true },
  };
  declare event: number;
  declare photo: string;
  declare ids: readonly string[];
  declare chosen: number | null;
  declare boxed: boolean;
  readonly #record = new Loading<Photo>(this);
  readonly #found = new Loading<Found>(this);

  constructor() {
    super();
    this.chosen = null;
    this.boxed = true;
  }

  override willUpdate(changed: PropertyValues): void {
    if (!changed.has("photo") && !changed.has("event")) return;
    this.chosen = null;
    const path = `events/${this.event}/photos/${this.photo}`;
    this.#found.value = null;
    this.#record.start(path).then((photo) => {
      if (photo && photo.status !== "failed" && photo.faces !== null) this.#found.start(`${path}/found`);
    });
  }

  override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
  }

  #go(photo: string | null | undefined): void {
    if (photo !== undefined) this.dispatchEvent(new CustomEvent("go", { detail: photo }));
  }

  #beside(step: number): string | undefined {
    const here = this.ids.indexOf(this.photo);
    return here < 0 ? undefined : this.ids[here + step];
  }

  readonly #key = (event: KeyboardEvent) => {
    if (event.key === "ArrowRight") this.#go(this.#beside(1));
    if (event.key === "ArrowLeft") this.#go(this.#beside(-1));
  };

  override render() {
    const photo = this.#record.value;
    const cancel = (event: Event) => {
      event.preventDefault();
      this.#go(null);
    };
    return html`<dialog aria-label="Photo" @cancel=${cancel} @keydown=${this.#key}><div class="layout">
      <div class="stage">${photo ? this.#stage(photo) : nothing}</div>
      <aside>
        <div class="top">
          <button aria-label="Previous photo" ?disabled=${!this.#beside(-1)} @click=${() => this.#go(this.#beside(-1))}>←</button>
          <button aria-label="Next photo" ?disabled=${!this.#beside(1)} @click=${() => this.#go(this.#beside(1))}>→</button>
          <button autofocus @click=${() => this.#go(null)}>Close</button>
        </div>
        ${this.#record.problem ? html`<p class="problem" role="alert">${this.#record.problem}</p>` : nothing}
        ${photo ? this.#details(photo) : nothing}
      </aside></div></dialog>`;
  }

  #stage(photo: Photo) {
    if (photo.status === "failed") return html`<p class="problem">${photo.reason}</p>`;
    const { width, height } = photo;
    const boxes = this.boxed ? (this.#found.value?.faces.boxes ?? []) : [];
    const rect = (box: Box, name: string) =>
      svg`<rect class=${name} x=${box.x * width} y=${box.y * height} width=${box.width * width} height=${box.height * height} rx=${width / 300}></rect>`;
    return html`<figure>
      <img src="api/events/${this.event}/photos/${photo.image_id}/large.jpg" width=${width} height=${height} alt="Photo ${photo.file}">
      <svg viewBox="0 0 ${width} ${height}" aria-hidden="true">${boxes.map((box, number) => svg`${rect(box, "edge")}${rect(box, number === this.chosen ? "chosen" : "box")}`)}</svg>
    </figure>`;
  }

  #details(photo: Photo) {
    return html`
      <h1>${photo.file}</h1>
      <dl>
        <dt>State</dt><dd>${photo.status === "failed" ? html`<span class="bad">failed</span>` : "indexed"}</dd>
        ${photo.reason ? html`<dt>Reason</dt><dd>${photo.reason}</dd>` : nothing}
        <dt>Faces</dt><dd>${photo.faces === null ? UNKNOWN : `${photo.faces} in the record`}</dd>
        ${photo.width ? html`<dt>Size</dt><dd>${photo.width} × ${photo.height} px</dd>` : nothing}
        ${photo.taken_at ? html`<dt>Taken</dt><dd>${photo.taken_at.replace("T", " ")}</dd>` : nothing}
        <dt>Changed</dt><dd>${time(photo.changed_at)}</dd>
        <dt>Id</dt><dd class="mono">${photo.image_id}</dd>
      </dl>
      ${photo.status === "failed" ? nothing : this.#faces(photo)}`;
  }

  #faces(photo: Photo) {
    if (photo.faces === null)
      return html`<p class="note">Somebody else finds the faces of this event. Where they are is not known here.</p>`;
    if (this.#found.problem) return html`<p class="problem" role="alert">${this.#found.problem}</p>`;
    const faces = this.#found.value?.faces;
    if (!faces) return html`<p class="muted" role="status">Looking for faces…</p>`;
    const { boxes, recorded, stripped, model } = faces;
    return html`<section aria-labelledby="found">
      <h2 id="found">As found now by ${model}</h2>
      ${recorded === boxes.length ? nothing : html`<p class="problem differs">The record has ${several(recorded ?? 0, "face")}, now ${several(boxes.length, "face")} ${boxes.length === 1 ? "is" : "are"} found.${stripped ? " Faces of this photo were deleted." : ""}</p>`}
      ${boxes.length ? html`<label><input type="checkbox" .checked=${this.boxed} @change=${(event: Event) => (this.boxed = (event.target as HTMLInputElement).checked)}> Show boxes</label>` : html`<p class="muted">No face is found.</p>`}
      <ol>${boxes.map(
        (
          box,
          number,
        ) => html`<li tabindex="0" @mouseenter=${() => (this.chosen = number)} @mouseleave=${() => (this.chosen = null)} @focus=${() => (this.chosen = number)} @blur=${() => (this.chosen = null)}>
        <span class="muted">${number + 1}</span><span>${Math.round(box.width * photo.width)} × ${Math.round(box.height * photo.height)} px</span><span>score ${box.score.toFixed(2)}</span></li>`,
      )}</ol>
    </section>`;
  }
}
