/** `<face-search>`: runs the flow's effects and shows its screens. */
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { accentSheet } from "./accent.ts";
import { Api } from "./api.ts";
import { inAppBrowser } from "./browsers.ts";
import { hasCameraAccess, mayHaveCamera } from "./camera.ts";
import { addressedSearch, Effects, type Host } from "./effects.ts";
import { type CameraTrouble, type FlowEvent, INITIAL, reduce, type State } from "./flow.ts";
import { chooseLanguage, Speech, speechOf, type Translate } from "./i18n.ts";
import { ACCEPTED, prepared } from "./picture.ts";
import { checkScreen } from "./screens/check.ts";
import { foundScreen } from "./screens/found.ts";
import { problemScreen, problemTitle } from "./screens/problem.ts";
import { sendingScreen, sendingTitle } from "./screens/sending.ts";
import { openSheet } from "./screens/sheets.ts";
import { startScreen } from "./screens/start.ts";
import { screenStyles } from "./screens/styles.ts";
import type { Sheet, View } from "./screens/view.ts";
import { OwnSearches, Store } from "./storage.ts";
import { shared, tokens } from "./styles.ts";
import type { MenuChoice, PageConfig } from "./types.ts";

/** On a machine that many people use, each guest is forgotten after so long without a touch. */
const KIOSK_MS = 60_000;
const SILENT_PICKER_MS = 8_000;
const DEFAULT_RESULT_DAYS = 30;

export class FaceSearch extends LitElement implements View, Host {
  static override styles = [tokens, shared, screenStyles];
  static override properties = {
    apiBase: { attribute: "api" },
    org: {},
    event: {},
    token: {},
    requestId: { attribute: "request-id" },
    lang: {},
    theme: {},
    camera: {},
    originals: {},
    history: {},
    kiosk: { type: Boolean },
    config: { attribute: false },
    state: { state: true },
    speech: { state: true },
    openedSheet: { state: true },
    bannerSeen: { state: true },
    pickerSilent: { state: true },
    preparing: { state: true },
    dropping: { state: true },
    cameraLikely: { state: true },
    facesKept: { state: true },
    ready: { state: true },
  };

  declare apiBase: string;
  declare org: string;
  declare event: string;
  declare token: string;
  declare requestId: string | null;
  declare lang: string;
  declare theme: "auto" | "light" | "dark";
  declare camera: "both" | "only" | "off";
  declare originals: "auto" | "off";
  declare history: "query" | "none";
  declare kiosk: boolean;
  /** What the guest page's HTML carries; a site's own page has attributes instead. */
  declare config: PageConfig | null;
  /** Gives a fresh visitor's token when the one that there is has expired. */
  tokenProvider: (() => Promise<string>) | null = null;

  declare state: State;
  declare speech: Speech;
  declare openedSheet: Sheet | null;
  declare bannerSeen: boolean;
  declare pickerSilent: boolean;
  declare preparing: boolean;
  declare dropping: boolean;
  declare cameraLikely: boolean;
  declare facesKept: boolean;
  /** The language is there, so that none flashes before it. */
  declare ready: boolean;

  readonly app = inAppBrowser();
  selfieUrl: string | null = null;
  api!: Api;
  own!: OwnSearches;
  #store!: Store;
  readonly #effects = new Effects(this);
  readonly #live = document.createElement("p");
  #begun = false;
  #shownScreen = "";
  #tick: ReturnType<typeof setInterval> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    Object.assign(this, { apiBase: "", org: "", event: "", token: "", requestId: null, lang: "", theme: "auto" });
    Object.assign(this, { camera: "both", originals: "auto", history: "none", kiosk: false, config: null });
    Object.assign(this, { state: INITIAL, speech: new Speech(), openedSheet: null, bannerSeen: false, ready: false });
    Object.assign(this, {
      pickerSilent: false,
      preparing: false,
      dropping: false,
      cameraLikely: true,
      facesKept: false,
    });
    this.#live.className = "visually-hidden";
    this.#live.setAttribute("role", "status");
  }

  // ---------------------------------------------------------------- life

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#walked);
    addEventListener("online", this.#online);
    if (!this.#begun) queueMicrotask(() => this.#begin());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.#walked);
    removeEventListener("online", this.#online);
    this.#effects.stop();
    for (const timer of [this.#tick, this.#idle, this.#silence]) clearTimeout(timer);
    if (this.state.screen.at === "camera") this.dispatch({ type: "close" });
  }

  /** Once the attributes are there: the language, the event, and the search that is asked for. */
  async #begin(): Promise<void> {
    if (this.#begun || !this.isConnected) return;
    this.#begun = true;
    this.#store = new Store(() => localStorage, !this.kiosk);
    const link = this.config?.link || `${this.org}/${this.event}`;
    const days = this.config?.page.retention.result_days ?? DEFAULT_RESULT_DAYS;
    this.own = new OwnSearches(this.#store, link, days);
    const token = () => this.token;
    this.api = new Api({ base: this.apiBase, org: this.org, event: this.event, token });
    if (!this.token) await this.renewToken();
    const wishes = [this.lang, this.#store.get("fs:lang"), ...navigator.languages, this.config?.page.locale];
    this.speech = await speechOf(chooseLanguage(...wishes));
    this.ready = true;
    for (const name of ["pointerdown", "keydown"]) this.addEventListener(name, this.#touched);
    void mayHaveCamera().then((likely) => {
      this.cameraLikely = likely || this.app !== null;
    });
    if (this.config) this.dispatch({ type: "event-read", event: this.config.page });
    else this.#effects.run({ do: "read-event" });
    const named = (this.history === "query" ? addressedSearch() : null) ?? this.requestId;
    if (named) this.open(named);
    this.tell("ready", { language: this.speech.language });
    await this.#resultsView(); // while the guest reads, so that it is there when the photos are
  }

  /** The results view is a file of its own: no guest needs it for the first text. */
  async #resultsView(): Promise<void> {
    if (customElements.get("face-search-results")) return;
    try {
      const { FaceSearchResults } = await import("./results/results.ts");
      if (!customElements.get("face-search-results")) customElements.define("face-search-results", FaceSearchResults);
    } catch {
      // asked for again when there are results
    }
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get("state");
    if (!changed.has("state")) return;
    if (before?.selfie !== this.state.selfie) {
      if (this.selfieUrl) URL.revokeObjectURL(this.selfieUrl);
      this.selfieUrl = this.state.selfie ? URL.createObjectURL(this.state.selfie) : null;
    }
    if (before?.requestId !== this.state.requestId) this.facesKept = false;
    if (before?.event !== this.state.event) this.#dress();
  }

  protected override firstUpdated(): void {
    this.renderRoot.append(this.#live);
  }

  protected override updated(): void {
    for (const dialog of this.renderRoot.querySelectorAll<HTMLDialogElement>("dialog:not([open])")) dialog.showModal();
    const { screen } = this.state;
    const waits = "until" in screen && screen.until !== null;
    clearInterval(this.#tick);
    if (waits) this.#tick = setInterval(() => this.requestUpdate(), 1000);
    const shown = "phase" in screen ? `${screen.at} ${screen.phase}` : screen.at;
    if (shown === this.#shownScreen || !this.ready) return;
    const first = this.#shownScreen === "" || this.#shownScreen === "loading";
    this.#shownScreen = shown;
    if (!first) void this.#arrive();
  }

  /** A new screen: its heading gets the focus, and the live region says what happens. */
  async #arrive(): Promise<void> {
    const { screen, result } = this.state;
    if (screen.at === "sending" || screen.at === "reading") this.say(sendingTitle(this, screen));
    else if (screen.at === "problem") this.say(problemTitle(this, screen));
    else if (screen.at === "results" && result) this.say(this.t("found.announce", { n: result.total }));
    else if (screen.at === "start" && screen.notice === "deleted") this.say(this.t("start.deleted"));
    if (screen.at === "start" && (screen.notice === "consent" || screen.notice === "consent_changed")) return;
    if (screen.at === "results") await this.#resultsView();
    const results = this.renderRoot.querySelector<LitElement>("face-search-results");
    const camera = this.renderRoot.querySelector<LitElement>("face-search-camera");
    await (results ?? camera)?.updateComplete;
    if (results) return results.focus({ preventScroll: true });
    const root = camera?.renderRoot ?? this.renderRoot.querySelector("dialog") ?? this.renderRoot;
    root.querySelector<HTMLElement>("[tabindex='-1']")?.focus({ preventScroll: true });
    if (!camera && !this.embedded) scrollTo({ top: 0 });
  }

  #dress(): void {
    const root = this.shadowRoot;
    const sheet = accentSheet(this.state.event?.accent);
    if (root && sheet) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  }

  // ---------------------------------------------------------------- the flow

  dispatch(event: FlowEvent): void {
    const [state, effects] = reduce(this.state, event);
    this.state = state;
    for (const effect of effects) this.#effects.run(effect);
    if (event.type === "consent" || event.type === "take") this.pickerSilent = false;
    if (state.screen.at === "start" && state.screen.notice === "consent") {
      void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("#consent")?.focus());
    }
  }

  /** Opens the results of a search. */
  open(requestId: string): void {
    const known = this.own?.find(requestId);
    this.dispatch({ type: "opened", requestId, own: Boolean(known), pending: known?.total === null });
  }

  /** Back to the start; nothing of this guest stays. */
  reset(): void {
    this.openedSheet = null;
    this.#store?.clear();
    this.dispatch({ type: "forget" });
  }

  readonly #walked = () => {
    if (this.history !== "query" || !this.#begun) return;
    const named = addressedSearch();
    const { screen, requestId } = this.state;
    if (named && named === requestId) return; // a layer of the results, which is theirs
    if (named) this.open(named);
    else if (screen.at !== "start") this.dispatch({ type: "opened", requestId: null, own: false, pending: false });
  };

  readonly #online = () => this.dispatch({ type: "online" });

  readonly #touched = () => {
    clearTimeout(this.#idle);
    if (!this.kiosk) return;
    this.#idle = setTimeout(() => {
      const { at } = this.state.screen;
      if (at === "sending" || at === "reading") this.#touched();
      else this.reset();
    }, KIOSK_MS);
  };

  async renewToken(): Promise<boolean> {
    if (!this.tokenProvider) return false;
    try {
      this.token = await this.tokenProvider();
      return true;
    } catch {
      return false;
    }
  }

  tell(name: string, detail: unknown = this.#detailOf(name)): void {
    this.dispatchEvent(new CustomEvent(`face-search-${name}`, { bubbles: true, composed: true, detail }));
  }

  #detailOf(name: string): unknown {
    const { requestId, result } = this.state;
    if (name === "results") return { requestId, total: result?.total ?? 0 };
    return name === "started" || name === "deleted" ? { requestId } : {};
  }

  // ---------------------------------------------------------------- what screens ask for

  get t(): Translate {
    return this.speech.t;
  }
  get embedded(): boolean {
    return this.config === null;
  }
  get addressed(): boolean {
    return this.history === "query";
  }
  get cameraWish(): "both" | "only" | "off" {
    return this.camera;
  }
  get qr(): string {
    return this.config?.qr ?? "";
  }
  get searches() {
    return this.kiosk ? [] : (this.own?.list() ?? []);
  }

  newRequestId(): string {
    if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16)); // without HTTPS there is no randomUUID
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  openSearch(id: string): void {
    if (this.addressed) this.#effects.run({ do: "address", requestId: id, how: "push" });
    this.open(id);
  }

  /** By our own camera screen; by the system's where a page has no camera, as in apps' built-in browsers. */
  takeSelfie(): void {
    if (hasCameraAccess() && this.app === null) this.dispatch({ type: "take" });
    else this.dispatch({ type: "choose", capture: true });
  }

  dismissBanner(): void {
    this.bannerSeen = true;
  }

  show(sheet: Sheet | null): void {
    this.openedSheet = sheet;
  }

  say(text: string): void {
    this.#live.textContent = text;
  }

  async speak(language: string): Promise<void> {
    const chosen = chooseLanguage(language);
    this.#store.set("fs:lang", chosen);
    this.speech = await speechOf(chosen);
    this.tell("language", { language: chosen });
  }

  // ---------------------------------------------------------------- files

  /** Within the tap, or the browser refuses. */
  pick(capture: boolean): void {
    const input = this.renderRoot.querySelector<HTMLInputElement>("input[type=file]");
    if (!input) return;
    if (capture) input.setAttribute("capture", "user");
    else input.removeAttribute("capture");
    input.value = "";
    input.click();
    clearTimeout(this.#silence);
    this.pickerSilent = false;
    if (this.app === null) return;
    const done = () => clearTimeout(this.#silence);
    addEventListener("blur", done, { once: true }); // the picker is open
    this.#silence = setTimeout(() => {
      this.pickerSilent = true;
    }, SILENT_PICKER_MS);
  }

  async #chosen(file: File | null | undefined): Promise<void> {
    clearTimeout(this.#silence);
    this.pickerSilent = false;
    if (!file) return;
    this.preparing = true;
    const selfie = await prepared(file);
    this.preparing = false;
    if (this.isConnected) this.dispatch({ type: "got", selfie });
  }

  readonly #dragged = (event: DragEvent) => {
    if (this.state.screen.at !== "start" || this.camera === "only") return;
    event.preventDefault();
    if (event.type === "dragover") this.dropping = true;
    else this.dropping = false;
    if (event.type !== "drop") return;
    if (this.state.consented || !this.state.event?.consent) void this.#chosen(event.dataTransfer?.files[0]);
    else this.dispatch({ type: "choose", capture: false }); // says that consent comes first
  };

  // ---------------------------------------------------------------- showing

  protected override render() {
    if (!this.ready) return nothing;
    const file = (event: Event) => void this.#chosen((event.target as HTMLInputElement).files?.[0]);
    const body = html`${this.#screen()} ${this.#stage()} ${openSheet(this, this.openedSheet)}
      <input type="file" accept=${ACCEPTED} hidden @change=${file} />`;
    const drag = this.#dragged;
    return this.embedded
      ? html`<section class="root" lang=${this.speech.language} aria-label=${this.t("start.title")} @dragover=${drag} @dragleave=${drag} @drop=${drag}>${body}</section>`
      : html`<main class="root" lang=${this.speech.language} @dragover=${drag} @dragleave=${drag} @drop=${drag}>${body}</main>`;
  }

  #screen() {
    const { screen, result, event } = this.state;
    if (screen.at === "sending" || screen.at === "reading") return sendingScreen(this, screen);
    if (screen.at === "problem") return problemScreen(this, screen);
    if (screen.at !== "results" || !result || !event) return startScreen(this);
    return foundScreen(this, result, event, {
      api: this.api,
      history: this.history,
      originals: this.originals !== "off",
      facesKept: this.facesKept,
      keepFaces: () => {
        this.facesKept = true;
      },
      saved: (count) => this.tell("saved", { count }),
      choose: (choice) => this.#choose(choice),
    });
  }

  /** The camera and the check lie over the start. */
  #stage() {
    const { screen } = this.state;
    if (screen.at !== "camera" && screen.at !== "check") return nothing;
    const closed = () => this.state.screen.at === screen.at && this.dispatch({ type: "close" });
    return html`<dialog class="stage" aria-label=${this.t("camera.title")} @close=${closed}>
      ${
        screen.at === "check"
          ? checkScreen(this)
          : html`<face-search-camera .t=${this.t} .trouble=${screen.trouble} .chooses=${this.camera !== "only"}
              @captured=${(event: CustomEvent<Blob>) => this.dispatch({ type: "got", selfie: event.detail })}
              @trouble=${(event: CustomEvent<CameraTrouble>) => this.dispatch({ type: "camera-trouble", trouble: event.detail })}
              @retry=${() => this.dispatch({ type: "take" })} @choose=${() => this.dispatch({ type: "choose", capture: false })}
              @close=${() => this.dispatch({ type: "close" })} @say=${(event: CustomEvent<string>) => this.say(event.detail)}></face-search-camera>`
      }
    </dialog>`;
  }

  #choose(choice: MenuChoice): void {
    switch (choice) {
      case "delete":
        return this.dispatch({ type: "remove" });
      case "again":
        return this.dispatch({ type: "again" });
      case "look-again":
        if (this.state.selfie) return this.dispatch({ type: "send", requestId: this.newRequestId() });
        return this.dispatch({ type: "again" });
      case "copy-link":
        return this.show("copy");
      case "missing":
      case "privacy":
        return this.show(choice);
    }
  }
}
