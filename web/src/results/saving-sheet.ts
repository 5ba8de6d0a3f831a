/** `<face-search-saving>`: what a saving is at, at the bottom of the window, with the buttons that it needs. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { inAppBrowser, isAndroid, isIos } from "../browsers.ts";
import type { Speech } from "../i18n.ts";
import { shared } from "../styles.ts";
import type { Photo } from "../types.ts";
import type { Source, Wanted } from "./files.ts";
import { type Disk, Saving, type SavingState, type Surroundings, type Way, wayOf } from "./saving.ts";
import { sharesFiles } from "./sharing.ts";
import { sheetStyles } from "./sheet-styles.ts";

export interface SavingJob {
  readonly wanted: readonly Wanted[];
  readonly source: Source;
  readonly photoAt: (at: number) => Photo | undefined;
  readonly speech: Speech;
  /** Speaks to screen readers. */
  readonly say: (text: string) => void;
  readonly saved: (count: number) => void;
}

/** How long the last word stays. */
const DONE_MS = 10_000;

export class FaceSearchSaving extends LitElement {
  static override styles = [shared, sheetStyles];
  static override properties = { state: { state: true } };

  declare state: SavingState | null;
  #job: SavingJob | undefined;
  #saving: Saving | undefined;
  #way: Way = "files";
  #told = -1;

  constructor() {
    super();
    this.state = null;
  }

  get busy(): boolean {
    return this.state !== null && this.state.step !== "done" && this.state.step !== "problem";
  }

  /** Call it in the tap itself: the browser asks where to put a ZIP only then. */
  async start(job: SavingJob): Promise<void> {
    this.#saving?.cancel();
    this.#job = job;
    this.#way = wayOf(job.wanted.length, surroundings());
    this.#told = -1;
    const saving = new Saving(job.wanted, job.source, disk, (state) => this.#show(saving, state));
    this.#saving = saving;
    const saved = await saving.run(this.#way);
    if (this.#saving !== saving) return;
    if (saved === null && this.state?.step !== "problem") this.close();
    else if (saved) job.saved(saved);
    if (this.state?.step === "done") setTimeout(() => this.#saving === saving && this.close(), DONE_MS);
  }

  close(): void {
    this.#saving?.cancel();
    this.#saving = undefined;
    this.state = null;
    if (this.#popover && this.matches(":popover-open")) this.hidePopover();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    // Moved into the viewer's dialog or out of it, it goes on; gone from the page, it ends.
    queueMicrotask(() => !this.isConnected && this.close());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.state) this.#raise();
  }

  get #popover(): boolean {
    return "popover" in HTMLElement.prototype;
  }

  /** Above everything, whatever the page around has for layers. */
  #raise(): void {
    if (!this.#popover) return;
    this.popover = "manual";
    if (!this.matches(":popover-open")) this.showPopover();
  }

  #show(saving: Saving, state: SavingState): void {
    if (this.#saving !== saving) return;
    const first = this.state === null;
    const asks = state.step !== this.state?.step && state.step !== "fetching";
    this.state = state;
    if (first) this.#raise();
    this.#tell(state);
    if (asks && state.step !== "done")
      this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("[data-first]")?.focus());
  }

  /** Progress is spoken at the start, in the middle and at the end, and not in between. */
  #tell(state: SavingState): void {
    const job = this.#job;
    if (!job) return;
    if (state.step === "fetching") {
      const half = state.done * 2 >= state.total ? 1 : 0;
      if (half <= this.#told) return;
      this.#told = half;
      job.say(half ? this.#progress(state) : this.#title(state));
    } else job.say(this.#title(state));
  }

  protected override render() {
    const { state } = this;
    if (!state || !this.#job) return nothing;
    return html`<section class="panel" aria-label=${this.#title(state)}>${this.#body(state)}</section>`;
  }

  #t(...parameters: Parameters<Speech["t"]>): string {
    return this.#job?.speech.t(...parameters) ?? "";
  }

  #title(state: SavingState): string {
    switch (state.step) {
      case "fetching":
        return this.#t(this.#way === "share" ? "results.saving.preparing" : "results.saving.running", {
          n: state.total,
        });
      case "missing":
        return this.#t("results.saving.missing", { n: state.failed.length, total: state.total });
      case "ready":
        return this.#t("results.saving.ready", { n: state.files.length });
      case "links":
        return this.#t("results.saving.links");
      case "done":
        return this.#t(this.#way === "share" ? "results.saving.shared" : "results.saving.done", { n: state.saved });
      default:
        return this.#t("results.saving.problem");
    }
  }

  #progress(state: SavingState & { step: "fetching" }): string {
    const bytes = this.#job?.speech.bytes(state.bytes) ?? "";
    return this.#t("results.saving.progress", { n: state.done, total: state.total, bytes });
  }

  #body(state: SavingState): TemplateResult {
    const cancel = html`<button type="button" @click=${() => this.close()}>${this.#t("results.cancel")}</button>`;
    switch (state.step) {
      case "fetching":
        return html`<p class="title">${this.#title(state)}</p>
          <progress max=${state.total} .value=${state.done} aria-label=${this.#title(state)}></progress>
          <div class="line"><p class="muted small numbers">${this.#progress(state)}</p>${cancel}</div>`;
      case "missing":
        return html`<p class="title">${this.#title(state)}</p>
          ${this.#thumbs(state.failed)}
          <div class="buttons">
            <button type="button" class="primary" data-first @click=${() => this.#saving?.reply("again")}>${this.#t("results.try_again")}</button>
            ${
              state.kept
                ? html`<button type="button" @click=${() => this.#saving?.reply("go-on")}>${this.#t("results.saving.keep", { n: state.kept })}</button>`
                : cancel
            }
          </div>`;
      case "ready":
        return html`<p class="title">${this.#title(state)}</p>
          <p class="muted small">${state.left ? this.#t("results.saving.left", { n: state.left }) : this.#t("results.saving.how")}</p>
          <div class="buttons">
            <button type="button" class="primary" data-first @click=${() => this.#saving?.share()}>${this.#t("results.saving.to_photos")}</button>
            ${cancel}
          </div>`;
      case "links":
        return this.#links(state);
      case "done":
        return html`<div class="line"><p class="title">✓ ${this.#title(state)}</p>${this.#closeButton()}</div>
          ${this.#way === "zips" || this.#way === "files" ? html`<p class="muted small">${this.#t("results.saving.where")}</p>` : nothing}`;
      default:
        return html`<p class="title">${this.#title(state)}</p><div class="buttons">${this.#closeButton()}</div>`;
    }
  }

  #links(state: SavingState & { step: "links" }): TemplateResult {
    return html`<div class="line"><p class="title">${this.#title(state)}</p>${this.#closeButton()}</div>
      <ul class="links">
        ${state.targets.map(({ wanted, url, name }) => {
          const text = this.#t(url ? "results.saving.one" : "results.saving.none", { n: wanted.at + 1 });
          const thumb = this.#job?.photoAt(wanted.at)?.thumb;
          return html`<li>
            ${thumb ? html`<img src=${thumb} alt="" width="56" height="56">` : html`<span></span>`}
            ${url ? html`<a class="button" href=${url} download=${name}>${text}</a>` : html`<p class="muted">${text}</p>`}
          </li>`;
        })}
      </ul>`;
  }

  #thumbs(failed: readonly Wanted[]): TemplateResult {
    return html`<ul class="thumbs">
      ${failed.map(({ at }) => {
        const thumb = this.#job?.photoAt(at)?.thumb;
        const name = this.#t("results.photo_number", { n: at + 1 });
        return html`<li>${thumb ? html`<img src=${thumb} alt=${name} width="64" height="64">` : html`<span>${name}</span>`}</li>`;
      })}
    </ul>`;
  }

  #closeButton(): TemplateResult {
    return html`<button type="button" class="icon" aria-label=${this.#t("results.close")} @click=${() => this.close()}>
      <span aria-hidden="true">✕</span></button>`;
  }
}

function surroundings(): Surroundings {
  return {
    ios: isIos(),
    android: isAndroid(),
    inApp: inAppBrowser() !== null,
    shares: sharesFiles(),
    picks: "showSaveFilePicker" in window,
  };
}

interface PickedFile {
  createWritable(): Promise<WritableStream<Uint8Array>>;
  /** Chromium 110 and later. */
  remove?(): Promise<void>;
}

interface FilePicker {
  showSaveFilePicker(options: object): Promise<PickedFile>;
}

/** How long a made file can still be read by the download that it was made for. */
const DOWNLOAD_MS = 120_000;

const disk: Disk = {
  download: (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_MS);
  },
  pick: async (name) => {
    const types = [{ description: "ZIP", accept: { "application/zip": [".zip"] } }];
    try {
      const file = await (window as unknown as FilePicker).showSaveFilePicker({ suggestedName: name, types });
      return { stream: await file.createWritable(), discard: async () => file.remove?.() };
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return null;
      throw error;
    }
  },
  zipStream: async (files) => (await import("./zip.ts")).zipStream(files),
  zipBlob: async (files) => (await import("./zip.ts")).zipBlob(files),
  share: async (files) => navigator.share({ files: [...files] }),
};
