/** `<face-search-camera>`: S2, the live picture with its oval. Fires `captured` (a Blob), `trouble`, `file` and `close`. */
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { Camera, captured, isDark, isTall, troubleOf } from "../camera.ts";
import type { CameraTrouble } from "../flow.ts";
import type { MessageKey, Translate } from "../i18n.ts";
import { shared } from "../styles.ts";
import { cameraStyles } from "./camera-styles.ts";
import { icon } from "./view.ts";

/** Safari sometimes opens a camera and shows nothing of it. */
const BLANK_MS = 3_000;
const LOOK_MS = 500;

export class FaceSearchCamera extends LitElement {
  static override styles = [shared, cameraStyles];
  static override properties = {
    t: { attribute: false },
    trouble: { attribute: false },
    files: { attribute: false },
    where: { attribute: false },
    ready: { state: true },
    dark: { type: Boolean, reflect: true },
    tall: { type: Boolean, reflect: true },
    flips: { state: true },
    mirrored: { type: Boolean, reflect: true },
  };

  declare t: Translate;
  declare trouble: CameraTrouble | null;
  /** Whether a file may be chosen in its place. */
  declare files: boolean;
  /** What says where this browser's switch for the camera is. */
  declare where: MessageKey;
  declare ready: boolean;
  declare dark: boolean;
  /** The picture is much taller than its place: all of it is shown. */
  declare tall: boolean;
  declare flips: boolean;
  declare mirrored: boolean;

  readonly #camera = new Camera();
  #blank: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setInterval> | undefined;
  #taking = false;

  constructor() {
    super();
    this.trouble = null;
    this.files = true;
    this.ready = false;
    this.dark = false;
    this.tall = false;
    this.flips = false;
    this.mirrored = true;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.#visible);
    addEventListener("pagehide", this.#leave);
    addEventListener("keydown", this.#pressed);
    addEventListener("resize", this.#sized);
    if (this.hasUpdated && !this.trouble) this.#open(); // the element was taken out of the document, and is back
  }

  /** Wherever the guest goes, the light goes out. */
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.#visible);
    removeEventListener("pagehide", this.#leave);
    removeEventListener("keydown", this.#pressed);
    removeEventListener("resize", this.#sized);
    this.#leave();
  }

  protected override firstUpdated(): void {
    this.#open();
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.get("trouble") && !this.trouble) this.#open();
  }

  override focus(options?: FocusOptions): void {
    this.renderRoot.querySelector<HTMLElement>(".title")?.focus(options);
  }

  readonly #pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape") this.#fire("close");
  };

  readonly #visible = () => {
    if (document.hidden) this.#leave();
    else if (!this.trouble) this.#open();
  };

  readonly #leave = () => {
    clearTimeout(this.#blank);
    clearInterval(this.#look);
    this.#camera.stop();
    this.ready = false;
  };

  async #open(): Promise<void> {
    try {
      const stream = await this.#camera.start();
      const video = this.#video;
      if (!stream || !video) return this.#leave();
      video.srcObject = stream;
      this.mirrored = this.#camera.facing === "user";
      clearTimeout(this.#blank);
      this.#blank = setTimeout(() => this.#fail("blank"), BLANK_MS);
      await video.play();
    } catch (error) {
      if (this.isConnected && !(error instanceof DOMException && error.name === "AbortError"))
        this.#fail(troubleOf(error));
    }
  }

  get #video(): HTMLVideoElement | null {
    return this.renderRoot.querySelector("video");
  }

  #fail(trouble: CameraTrouble): void {
    this.#leave();
    this.dispatchEvent(new CustomEvent("trouble", { detail: trouble }));
  }

  readonly #sized = () => {
    const video = this.#video;
    if (video?.videoWidth)
      this.tall = isTall({ width: video.videoWidth, height: video.videoHeight }, video.getBoundingClientRect());
  };

  /** The first frame: before it, nothing can be taken. */
  readonly #playing = async () => {
    clearTimeout(this.#blank);
    this.#sized();
    this.ready = true;
    clearInterval(this.#look);
    this.#look = setInterval(() => {
      const video = this.#video;
      if (video) this.dark = isDark(video);
    }, LOOK_MS);
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    this.flips = devices.filter((device) => device.kind === "videoinput").length > 1;
  };

  readonly #take = async () => {
    const video = this.#video;
    const oval = this.renderRoot.querySelector(".oval");
    if (!video || !oval || !this.ready || this.#taking) return;
    this.#taking = true;
    const picture = await captured(video, oval);
    this.#taking = false;
    if (!picture) return this.#fail("blank");
    this.#leave();
    this.dispatchEvent(new CustomEvent("captured", { detail: picture }));
  };

  readonly #flip = () => {
    clearInterval(this.#look);
    this.#camera.flip();
    this.ready = false;
    this.#open();
  };

  #fire(type: string): void {
    this.dispatchEvent(new CustomEvent(type));
  }

  protected override render() {
    const { t } = this;
    return html`<div class="top">
        <button type="button" class="icon" aria-label=${t("close")} @click=${() => this.#fire("close")}>${icon("close")}</button>
        <h1 class="title" tabindex="-1">${t("camera.title")}</h1>
        ${
          this.flips && !this.trouble
            ? html`<button type="button" class="icon" aria-label=${t("camera.flip")} @click=${this.#flip}>${icon("flip")}</button>`
            : html`<span class="icon"></span>`
        }
      </div>
      ${this.trouble ? this.#troubled(this.trouble) : this.#live()}`;
  }

  #live() {
    const { t } = this;
    return html`<div class="stage">
        <video playsinline muted autoplay aria-hidden="true" @playing=${this.#playing} @resize=${this.#sized}></video>
        <div class="oval" aria-hidden="true"></div>
        ${this.ready ? nothing : html`<div class="asking"><span class="spinner" aria-hidden="true"></span><p>${t("camera.asking")}</p></div>`}
      </div>
      <div class="bottom">
        <p class="hint" role="status">${this.ready ? t(this.dark ? "camera.dark" : "camera.hint") : nothing}</p>
        <button type="button" class="shutter" aria-label=${t("camera.shutter")} ?disabled=${!this.ready} @click=${this.#take}><span></span></button>
        ${this.files ? html`<button type="button" class="quiet" @click=${() => this.#fire("file")}>${t("start.file")}</button>` : nothing}
      </div>`;
  }

  #troubled(trouble: CameraTrouble) {
    const { t } = this;
    const title = { denied: "camera.denied", missing: "camera.missing", blank: "camera.blank" } as const;
    return html`<div class="trouble">
      <div role="alert">
        <h2>${t(title[trouble])}</h2>
        <p>${t(trouble === "denied" ? this.where : "camera.missing_text")}</p>
      </div>
      ${
        this.files
          ? html`<button type="button" class="primary large" @click=${() => this.#fire("file")}>${icon("picture")} ${t("start.file")}</button>`
          : nothing
      }
      <button type="button" @click=${() => this.#fire("again")}>${t("retry")}</button>
    </div>`;
  }
}
