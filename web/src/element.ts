/** `<face-search>`: the whole flow in one element, for our own page and for those of sites. */
import { html, LitElement, type PropertyValues } from "lit";
import { Api } from "./api.ts";
import { isBib } from "./bib.ts";
import { cameraSwitch, inAppBrowser } from "./browsers.ts";
import { hasCameraAccess, mayHaveCamera } from "./camera.ts";
import { accentStyles, attributesOf, configOf, type Place, withoutOriginals } from "./configuration.ts";
import { Drops } from "./drops.ts";
import { addressedSearch, Effects, type Host } from "./effects.ts";
import { type FlowEvent, INITIAL, reduce, type State } from "./flow.ts";
import { chooseLanguage, LANGUAGES, type Language, type Speech, speechOf } from "./i18n.ts";
import { Picker } from "./picker.ts";
import { mayBePicture, prepared } from "./picture.ts";
import { FaceSearchCamera } from "./screens/camera-view.ts";
import { foundScreen } from "./screens/found.ts";
import { checkScreen, sendingScreen } from "./screens/pictures.ts";
import { problemScreen } from "./screens/problem.ts";
import { screenStyles } from "./screens/screen-styles.ts";
import { openSheet } from "./screens/sheets.ts";
import { banner, startScreen } from "./screens/start.ts";
import type { Sheet, View } from "./screens/view.ts";
import { OwnSearches, Store } from "./storage.ts";
import { shared, tokens } from "./styles.ts";

const KIOSK_MS = 60_000;
/** Problems that another token may solve. */
const TOKEN_OVER: ReadonlySet<string> = new Set(["token_expired", "token_unknown", "no_key"]);

export class FaceSearch extends LitElement implements Host {
  static override styles = [tokens, shared, screenStyles];
  static override properties = {
    token: {},
    tokenProvider: { attribute: false },
    requestId: { attribute: "request-id" },
    lang: {},
    state: { state: true },
    speech: { state: true },
    sheet: { state: true },
    live: { state: true },
  };

  /** A publishable token: a site sets another one when `face-search-token-expired` says that this one is over. */
  declare token: string;
  declare requestId: string;
  declare state: State;
  declare speech: Speech | null;
  declare sheet: Sheet | null;
  declare live: string;
  /** In place of `token`: asked for the first one, and whenever one has expired. */
  declare tokenProvider: (() => Promise<string>) | null;

  api!: Api;
  own!: OwnSearches;
  addressed = false;
  #place: Place | null = null;
  readonly #effects = new Effects(this);
  #store = new Store(() => localStorage);
  #selfieUrl: string | null = null;
  #selfie: Blob | null = null;
  #fromFile = false;
  #preparing = false;
  #facesKept = false;
  #bannerSeen = false;
  #cameraLikely = hasCameraAccess();
  readonly #picker = new Picker(() => this.requestUpdate());
  readonly #drops = new Drops(
    this,
    () => this.state.screen.at === "start" && !!this.state.event?.allows.search && this.#place?.camera !== "only",
    () => this.requestUpdate(),
    (file) => this.#dropped(file),
  );
  #kioskTimer: ReturnType<typeof setTimeout> | undefined;
  #credentialCame: (() => void) | null = null;
  readonly #title = document.title;
  #clock: ReturnType<typeof setInterval> | undefined;
  /** Calls that fail together ask the site's provider once. */
  #renewing: Promise<string | undefined> | null = null;

  constructor() {
    super();
    const fresh = { state: INITIAL, speech: null, sheet: null, live: "" };
    Object.assign(this, { token: "", tokenProvider: null, requestId: "", ...fresh });
  }

  // ---------------------------------------------------------------- life

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#walked);
    addEventListener("online", this.#online);
    for (const type of ["pointerdown", "keydown", "scroll"]) addEventListener(type, this.#touched, { passive: true });
    this.#drops.start();
    if (!this.#place) this.#start();
    else if (this.speech && this.token) this.#begin(); // it was taken out of the document, and is back
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.#walked);
    removeEventListener("online", this.#online);
    for (const type of ["pointerdown", "keydown", "scroll"]) removeEventListener(type, this.#touched);
    this.#drops.stop();
    this.#effects.stop();
    this.#picker.stop();
    clearTimeout(this.#kioskTimer);
    clearInterval(this.#clock);
  }

  async #start(): Promise<void> {
    const place = configOf(document) ?? attributesOf(this);
    this.#place = place;
    this.addressed = place.history === "query" && !place.kiosk; // Back would show the next guest what it names
    if (place.kiosk) this.#store = new Store(() => sessionStorage, false);
    if (place.token) this.token = place.token;
    if (place.bib) this.dispatch({ type: "bib", typed: place.bib });
    const { api: base, org, event } = place;
    this.api = new Api({ base, org, event, token: () => this.token, renew: () => this.#renew() });
    this.own = new OwnSearches(this.#store, place.link, place.page?.retention.result_days ?? 30);
    const stored = this.#store.get("fs:language");
    await this.#speak(chooseLanguage(this.lang, stored, ...navigator.languages, place.page?.locale));
    mayHaveCamera().then((likely) => {
      this.#cameraLikely = likely || !hasCameraAccess(); // without access, the system's camera opens by the picker
      this.requestUpdate();
    });
    // A site's script may come after ours.
    if (!this.token && !this.tokenProvider) await new Promise<void>((come) => (this.#credentialCame = come));
    if (!this.token) await this.#renew();
    this.#begin();
    this.tell("ready");
  }

  /** From what is known: our own page brings the event in its HTML, so that nothing is called before the selfie is sent. */
  #begin(): void {
    const page = this.#place?.page ?? null;
    const { at } = this.state.screen;
    if (page) this.dispatch({ type: "event-read", event: page });
    else if (!this.state.event) this.#effects.run({ do: "read-event" });
    if (at === "sending" || at === "reading") this.dispatch({ type: "due" });
  }

  protected override willUpdate(changed: PropertyValues): void {
    const { selfie, event } = this.state;
    if (selfie !== this.#selfie) {
      if (this.#selfieUrl) URL.revokeObjectURL(this.#selfieUrl);
      this.#selfieUrl = selfie ? URL.createObjectURL(selfie) : null;
      this.#selfie = selfie;
    }
    if (changed.has("state") && event?.accent !== (changed.get("state") as State | undefined)?.event?.accent) {
      for (const [name, value] of accentStyles(event?.accent ?? null)) this.style.setProperty(name, value);
    }
  }

  protected override updated(changed: PropertyValues): void {
    if (this.token || this.tokenProvider) this.#credentialCame?.();
    for (const dialog of this.renderRoot.querySelectorAll("dialog")) if (!dialog.open) dialog.showModal();
    const before = changed.get("state") as State | undefined;
    if (before && before.screen.at !== this.state.screen.at) this.#arrived(before);
    const { screen, event } = this.state;
    if (before && before.screen !== screen && screen.at === "start" && screen.notice?.startsWith("consent"))
      this.renderRoot.querySelector<HTMLElement>(".consent input")?.focus();
    if (this.state.bibWrong && !before?.bibWrong) this.renderRoot.querySelector<HTMLElement>(".bib input")?.focus();
    clearInterval(this.#clock);
    const queued = screen.at === "sending" && screen.phase === "queued";
    if (queued) this.#clock = setInterval(() => this.requestUpdate(), 1_000);
    const over = screen.at === "problem" && TOKEN_OVER.has(screen.code);
    if (changed.has("token") && this.token && over) {
      // What was refused for its token has not been searched.
      if (screen.during === "search") this.#lookAgain();
      else this.dispatch({ type: "retry" });
    }
    if (changed.get("requestId") !== undefined && this.requestId && event) this.#open(this.requestId);
    if (changed.has("lang") && this.speech && this.lang) this.#speak(chooseLanguage(this.lang));
  }

  /** On another screen: the focus goes to its heading, and what it says is said aloud. */
  #arrived(before: State): void {
    const { screen, event } = this.state;
    this.#touched();
    if (before.screen.at === "loading" && screen.at === "start") return; // nobody has asked for anything yet
    const root = this.renderRoot;
    const target =
      root.querySelector<HTMLElement>("face-search-camera, face-search-results") ??
      root.querySelector<HTMLElement>(".title");
    const child = target as LitElement | null;
    (child?.updateComplete ?? Promise.resolve(true)).then(() =>
      target?.focus({ preventScroll: screen.at === "results" }),
    );
    const found = screen.at === "results" && this.#found();
    if (this.addressed) document.title = found && event ? `${found} · ${event.event_name}` : this.#title;
    if (found || before.screen.at === "results") this.say(found || "");
    if (!found) return;
    if (this.#place?.page && !event?.photos.complete) this.#effects.run({ do: "read-event" }); // the HTML's is a snapshot
  }

  /** What the results are, in a few words. */
  #found(): string {
    const { result, event, own } = this.state;
    if (!result || !this.speech) return "";
    const n = result.total + (result.later?.photos.length ?? 0);
    const { requestId: bib } = result;
    if (isBib(bib)) return this.speech.t(n ? "bib.found" : event?.photos.complete ? "bib.none" : "bib.yet", { n, bib });
    if (!n) return this.speech.t(event?.photos.complete ? "results.empty.none" : "results.empty.yet");
    return own || !this.#place?.page ? this.speech.t("start.found", { n }) : this.speech.t("found.shared_title");
  }

  // ---------------------------------------------------------------- the flow

  dispatch(event: FlowEvent): void {
    const isNew = !this.state.event;
    const [state, effects] = reduce(this.state, event);
    this.state = state;
    if (event.type === "send") this.#facesKept = false;
    for (const effect of effects) this.#effects.run(effect);
    if (!isNew || !state.event) return;
    const asked = this.addressed ? addressedSearch() : this.requestId; // no result is shown without its event
    if (asked) this.#open(asked);
  }

  tell(name: string, detail: unknown = null): void {
    const { result } = this.state;
    const { requestId = "", total } = result ?? {};
    const found = isBib(requestId) ? { bib: requestId, total } : { requestId, total };
    const what = name === "results" && result ? found : detail;
    this.dispatchEvent(new CustomEvent(`face-search-${name}`, { detail: what, bubbles: true, composed: true }));
  }

  /** Another token in the place of one that is over: the provider's, or what the site sets when it is told. */
  async #renew(): Promise<boolean> {
    const before = this.token;
    this.#renewing ??= (async () => this.tokenProvider?.())().catch(() => undefined);
    const token = await this.#renewing;
    this.#renewing = null;
    if (token) this.token = token;
    else if (before) this.tell("token-expired");
    return this.token !== before;
  }

  /** Back to the start, with nothing kept of what was before. */
  reset(): void {
    this.#store.clear();
    this.own?.clear();
    Object.assign(this, { sheet: null, live: "" });
    this.dispatch({ type: "forget" });
  }

  /** Shows the result of a search that was made before, or the photos of a bib. */
  open(requestId: string): void {
    this.#effects.run({ do: "address", requestId, how: "push" });
    if (this.state.event) this.#open(requestId);
    else this.requestId = requestId; // its turn comes once the event is read
  }

  #open(requestId: string): void {
    const known = this.own.find(requestId);
    this.dispatch({ type: "opened", requestId, own: known !== null, pending: known !== null && known.total === null });
  }

  /** Back and Forward. An open photo and the selecting mode are the results' own steps. */
  readonly #walked = () => {
    if (!this.addressed) return;
    const named = addressedSearch();
    const { screen, requestId } = this.state;
    const onTheWay = screen.at === "camera" || screen.at === "check";
    if (named && named !== requestId) this.#open(named);
    else if (!named && (requestId || (onTheWay && history.state?.faceSearch !== "step")))
      this.dispatch({ type: "opened", requestId: null, own: false, pending: false });
  };

  readonly #online = () => this.dispatch({ type: "online" });

  readonly #touched = () => {
    if (!this.#place?.kiosk) return;
    clearTimeout(this.#kioskTimer);
    this.#kioskTimer = setTimeout(() => {
      const { at } = this.state.screen;
      if (at === "sending" || at === "reading") this.#touched();
      else this.reset();
    }, KIOSK_MS);
  };

  // ---------------------------------------------------------------- pictures

  pick(capture: boolean): void {
    this.#picker.open(this.renderRoot, capture, (file) => this.#take(file, true));
  }

  async #take(file: Blob, chosen: boolean): Promise<void> {
    this.#fromFile = chosen;
    if (!mayBePicture(file)) return this.dispatch({ type: "unusable" });
    this.#preparing = chosen;
    this.requestUpdate();
    const selfie = chosen ? await prepared(file) : file;
    this.#preparing = false;
    this.dispatch({ type: "got", selfie });
  }

  #dropped(file: File): void {
    if (this.state.consented || !this.state.event?.consent) this.#take(file, true);
    else this.dispatch({ type: "take" }); // which says what is missing
  }

  // ---------------------------------------------------------------- words

  say(text: string): void {
    this.live = ""; // said again even if it is the same
    queueMicrotask(() => {
      this.live = text;
    });
  }

  async #speak(language: Language): Promise<void> {
    this.speech = await speechOf(language);
    if (this.#place?.page) document.documentElement.lang = language;
  }

  readonly #chooseLanguage = (language: string) => {
    this.#store.set("fs:language", language);
    if (Object.hasOwn(LANGUAGES, language)) this.#speak(language as Language);
  };

  // ---------------------------------------------------------------- what is shown

  #view(speech: Speech, place: Place): View {
    const { state } = this;
    const event = state.event && place.originals === "off" ? withoutOriginals(state.event) : state.event;
    return {
      state: { ...state, event },
      speech,
      t: speech.t,
      embedded: !place.page,
      cameraWish: place.camera,
      kiosk: place.kiosk,
      app: inAppBrowser(),
      bannerSeen: this.#bannerSeen,
      pickerSilent: this.#picker.silent,
      preparing: this.#preparing,
      dropping: this.#drops.over,
      cameraLikely: this.#cameraLikely,
      qr: place.qr,
      searches: place.kiosk ? [] : this.own.list(),
      selfieUrl: this.#selfieUrl,
      fromFile: this.#fromFile,
      now: Date.now(),
      api: this.api,
      addressed: this.addressed,
      facesKept: this.#facesKept,
      newRequestId: () => crypto.randomUUID(),
      dispatch: (what) => this.dispatch(what),
      openSearch: (id) => this.open(id),
      takeSelfie: () => this.dispatch(hasCameraAccess() ? { type: "take" } : { type: "choose", capture: true }),
      takeAnother: () => this.#takeAnother(),
      reset: () => this.reset(),
      keepFaces: () => {
        this.#facesKept = true;
        this.requestUpdate();
      },
      lookAgain: () => this.#lookAgain(),
      keepLooking: () => this.#keepLooking(),
      tell: (name, detail) => this.tell(name, detail),
      dismissBanner: () => {
        this.#bannerSeen = true;
        this.requestUpdate();
      },
      show: (sheet) => {
        this.sheet = sheet;
      },
      say: (text) => this.say(text),
      speak: this.#chooseLanguage,
    };
  }

  #takeAnother(): void {
    if (!this.#fromFile && hasCameraAccess()) this.dispatch({ type: "take" });
    else this.dispatch({ type: "choose", capture: !this.#fromFile });
  }

  /** With the selfie of this result, if the tab has it: a new search, whose result is as new as the photos. A bib's are read anew. */
  #lookAgain(): void {
    const { selfie, consented, event, result, requestId } = this.state;
    if (isBib(requestId)) this.dispatch({ type: "retry" });
    else if (selfie && (!result || selfie === result.selfie) && (consented || !event?.consent))
      this.dispatch({ type: "send", requestId: crypto.randomUUID() });
    else this.dispatch({ type: "again" });
  }

  #keepLooking(): void {
    const watch = (selfie: Blob) => this.dispatch({ type: "watch", selfie });
    const selfie = this.state.result?.selfie;
    if (selfie) watch(selfie);
    else this.#picker.open(this.renderRoot, false, async (file) => watch(await prepared(file)));
  }

  protected override render() {
    const place = this.#place;
    if (!this.speech || !place) return html`<slot></slot>`;
    const view = this.#view(this.speech, place);
    const page = html`${banner(view)}${this.#screen(view)}`;
    const kind = `page in-${this.state.screen.at}`;
    return html`<div class=${this.#drops.over ? "shell dropping" : "shell"} lang=${this.speech.language}>
      ${view.embedded ? html`<div class=${kind}>${page}</div>` : html`<main class=${kind}>${page}</main>`}
      <p class="visually-hidden" role="status">${this.live}</p>
      ${openSheet(view, this.sheet)}
    </div>`;
  }

  #screen(view: View) {
    const { screen, result } = this.state;
    switch (screen.at) {
      case "loading":
      case "start":
        return startScreen(view);
      case "camera":
        return html`<face-search-camera .t=${view.t} .trouble=${screen.trouble} .files=${view.cameraWish !== "only"}
          .where=${`camera.denied_${cameraSwitch()}`} @close=${() => this.dispatch({ type: "close" })}
          @file=${() => this.dispatch({ type: "choose", capture: false })} @again=${() => this.dispatch({ type: "take" })}
          @trouble=${(event: CustomEvent) => this.dispatch({ type: "camera-trouble", trouble: event.detail })}
          @captured=${(event: CustomEvent<Blob>) => this.#captured(event.detail)}></face-search-camera>`;
      case "check":
        return checkScreen(view);
      case "sending":
      case "reading":
        return sendingScreen(view, screen);
      case "results":
        return result && this.state.event ? foundScreen(view, result) : startScreen(view); // which says that it loads
      case "problem":
        return problemScreen(view, screen);
    }
  }

  #captured(selfie: Blob): void {
    if (this.speech) this.say(this.speech.t("camera.taken"));
    this.#take(selfie, false);
  }
}

if (!customElements.get("face-search-camera")) customElements.define("face-search-camera", FaceSearchCamera);
