/** S2: `<face-search-camera>`. The stream lives as long as this element is on the page and visible. */
import { css, html, LitElement, nothing } from "lit";
import { cameraSwitch } from "../browsers.ts";
import { Camera, captured, isDark, troubleOf } from "../camera.ts";
import type { CameraTrouble } from "../flow.ts";
import type { Translate } from "../i18n.ts";
import { shared } from "../styles.ts";
import { icon } from "./view.ts";

/** Safari may open a stream and show nothing; then a file is the better way. */
const BLANK_MS = 3_000;
const LOOK_MS = 500;

/** Fires `captured` (detail: Blob), `trouble` (detail: CameraTrouble), `choose`, `close` and `say` (detail: text). */
export class FaceSearchCamera extends LitElement {
  static override properties = {
    t: { attribute: false },
    trouble: { attribute: false },
    chooses: { attribute: false },
    live: { state: true },
    dark: { state: true },
    several: { state: true },
  };

  declare t: Translate;
  declare trouble: CameraTrouble | null;
  declare chooses: boolean;
  declare live: boolean;
  declare dark: boolean;
  declare several: boolean;
  readonly #camera = new Camera();
  #blank: ReturnType<typeof setTimeout> | undefined;
  #looks: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.trouble = null;
    this.live = false;
    this.dark = false;
    this.several = false;
    this.chooses = true;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("pagehide", this.#stop);
    document.addEventListener("visibilitychange", this.#seen);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("pagehide", this.#stop);
    document.removeEventListener("visibilitychange", this.#seen);
    this.#stop();
  }

  override firstUpdated(): void {
    if (!this.trouble) void this.#start();
  }

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.get("trouble") && !this.trouble)
      void this.#start(); // "Try again"
    else if (this.trouble) this.#stop();
  }

  get #video(): HTMLVideoElement | null {
    return this.renderRoot.querySelector("video");
  }

  readonly #seen = () => {
    if (document.hidden) this.#stop();
    else if (!this.trouble && this.isConnected) void this.#start();
  };

  readonly #stop = () => {
    clearTimeout(this.#blank);
    clearInterval(this.#looks);
    this.#camera.stop();
    this.live = false;
    this.dark = false;
  };

  async #start(): Promise<void> {
    try {
      const stream = await this.#camera.start();
      const video = this.#video;
      if (!stream || !video) return this.#stop();
      clearTimeout(this.#blank);
      this.#blank = setTimeout(() => this.#tell("trouble", "blank"), BLANK_MS);
      video.srcObject = stream;
      await video.play().catch(() => {}); // autoplay does it, or BLANK_MS says that it did not
      const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
      this.several = devices.filter((device) => device.kind === "videoinput").length > 1;
    } catch (error) {
      if (this.isConnected) this.#tell("trouble", troubleOf(error));
    }
  }

  readonly #frames = () => {
    clearTimeout(this.#blank);
    if (this.live || !this.#video?.videoWidth) return;
    this.live = true;
    this.#tell("say", this.t("camera.hint"));
    this.#looks = setInterval(() => {
      const video = this.#video;
      if (!video) return;
      const dark = isDark(video);
      if (dark && !this.dark) this.#tell("say", this.t("camera.dark"));
      this.dark = dark;
    }, LOOK_MS);
  };

  readonly #shoot = async () => {
    const video = this.#video;
    const oval = this.renderRoot.querySelector(".oval");
    if (!video || !oval || !this.live) return;
    const picture = await captured(video, oval);
    this.#stop();
    if (!picture) return this.#tell("trouble", "blank");
    this.#tell("say", this.t("camera.taken"));
    this.#tell("captured", picture);
  };

  readonly #flip = () => {
    this.#stop();
    this.#camera.flip();
    void this.#start();
  };

  #tell(name: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  override render() {
    const { t, trouble } = this;
    const close = html`<button class="icon" type="button" aria-label=${t("close")} @click=${() => this.#tell("close")}>${icon("close")}</button>`;
    const choose = this.chooses
      ? html`<button class=${trouble ? "primary" : "quiet"} type="button" @click=${() => this.#tell("choose")}>${t("start.file")}</button>`
      : nothing;
    if (trouble) {
      return html`<div class="trouble">
        <div class="bar">${close}</div>
        <div class="words" role="alert">
          ${icon("camera")}
          <h2 tabindex="-1">${t(`camera.${trouble}`)}</h2>
          <p class="muted">${trouble === "denied" ? t(`camera.denied_${cameraSwitch()}`) : t("camera.missing_text")}</p>
          ${choose}
          <button type="button" @click=${() => this.#tell("retry")}>${t("retry")}</button>
        </div>
      </div>`;
    }
    const front = this.#camera.facing === "user";
    return html`<div class="stage ${this.dark ? "lamp" : ""} ${this.live ? "live" : ""}">
      <video class=${front ? "mirrored" : ""} playsinline autoplay .muted=${true} @loadeddata=${this.#frames} @timeupdate=${this.#frames} aria-hidden="true"></video>
      <div class="oval"></div>
      <div class="bar">
        ${close}
        <h2 class="visually-hidden" tabindex="-1">${t("camera.title")}</h2>
        ${this.several ? html`<button class="icon" type="button" aria-label=${t("camera.flip")} @click=${this.#flip}>${icon("flip")}</button>` : nothing}
      </div>
      <div class="controls">
        <p class="tip">${this.live ? t(this.dark ? "camera.dark" : "camera.hint") : t("camera.asking")}</p>
        <button class="shutter" type="button" aria-label=${t("camera.shutter")} ?disabled=${!this.live} @click=${this.#shoot}></button>
        ${choose}
      </div>
    </div>`;
  }

  static override styles = [
    shared,
    css`
      :host { block-size: 100%; --focus: 3px solid #fff; }
      .stage { position: relative; block-size: 100%; overflow: hidden; background: #0b0b0d; color: #fff; isolation: isolate; }
      video { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; object-fit: cover; opacity: 0; transition: opacity 0.25s; }
      .live video { opacity: 1; }
      video.mirrored { transform: scaleX(-1); }
      /* The shade around the oval is the oval's own shadow; in the dark it is white, and lights the face. */
      .oval {
        position: absolute; inset-inline: 0; inset-block-start: 46%; translate: 0 -54%; margin: 0 auto;
        block-size: min(52%, 460px); aspect-ratio: 3 / 4; border-radius: 50%; border: 3px solid #fff;
        box-shadow: 0 0 0 200vmax rgb(11 11 13 / 0.62); transition: box-shadow 0.3s;
      }
      .lamp .oval { box-shadow: 0 0 0 200vmax #fff; border-color: #17181c; }
      .lamp { color: #17181c; --focus: 3px solid #17181c; }
      .bar { position: absolute; inset-inline: 0; inset-block-start: 0; display: flex; justify-content: space-between; padding: max(8px, env(safe-area-inset-top)) 8px 8px; z-index: 1; }
      .stage button:not(.shutter) { color: inherit; }
      .controls {
        position: absolute; inset-inline: 0; inset-block-end: 0; display: grid; justify-items: center; gap: 14px;
        padding: 12px 20px max(20px, env(safe-area-inset-bottom)); text-align: center;
      }
      .tip { font-weight: 600; max-inline-size: 30ch; min-block-size: 3em; display: grid; align-items: end; }
      .stage:not(.live) .tip { max-inline-size: 34ch; }
      .shutter { inline-size: 76px; block-size: 76px; padding: 0; background: currentcolor; border: 4px solid #0b0b0d; box-shadow: 0 0 0 4px currentcolor; }
      .stage.lamp .shutter { background: #17181c; border-color: #fff; box-shadow: 0 0 0 4px #17181c; }
      .stage .shutter { background: #fff; box-shadow: 0 0 0 4px #fff; }
      @media (max-height: 520px) {
        .oval { block-size: 84%; inset-block-start: 50%; translate: 0 -50%; }
        .controls { inset-inline-start: auto; inset-block: 0; align-content: center; inline-size: 30%; }
      }
      .shutter:disabled { opacity: 0.35; }
      .trouble { block-size: 100%; display: grid; grid-template-rows: auto 1fr; background: var(--paper); color: var(--ink); --focus: 3px solid var(--ink); overflow: auto; }
      .trouble .bar { position: static; }
      .words { display: grid; gap: 14px; justify-items: center; align-content: center; text-align: center; padding: 8px 24px 56px; max-inline-size: 30rem; margin: 0 auto; }
      .words > .icon { inline-size: 56px; block-size: 56px; color: var(--muted); stroke-width: 1.5; }
      .words h2 { font-size: 1.375rem; }
    `,
  ];
}
