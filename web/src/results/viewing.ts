/** When the viewer opens and closes: by tiles, by the address, by Back and Forward. */
import { isBib } from "../bib.ts";
import type { Speech } from "../i18n.ts";
import { enter, type HistoryMode, leave, photoInAddress, show } from "./address.ts";
import type { PhotoList } from "./list.ts";
import type { FaceSearchGrid } from "./photo-grid.ts";
import { sharesFiles } from "./sharing.ts";
import type { Viewer, ViewerHost } from "./viewer.ts";

interface View {
  readonly isConnected: boolean;
  readonly renderRoot: HTMLElement | DocumentFragment;
  readonly history: HistoryMode;
  readonly speech: Speech;
  readonly requestId: string;
  gridOf(at: number): FaceSearchGrid | undefined;
  /** More photos are wanted soon. */
  need(): void;
  say(text: string): void;
  save(at: readonly number[]): void;
  share(at: readonly number[]): void;
  /** The viewer has opened or closed. */
  layered(): void;
}

const NEAR_PHOTOS = 10;

export class Viewing {
  readonly #view: View;
  readonly #list: PhotoList;
  #viewer: Viewer | undefined;
  #opening = false;
  /** Whether the history has left the photo already. */
  #left = false;
  /** A photo that the address names, and that may not be loaded yet. */
  #named: number | null = null;

  constructor(view: View, list: PhotoList) {
    this.#view = view;
    this.#list = list;
  }

  /** What everything has to lie in while a photo is open. */
  get dialog(): HTMLDialogElement | undefined {
    return this.#viewer?.dialog;
  }

  get named(): number | null {
    return this.#named;
  }

  say(text: string): void {
    this.#viewer?.say(text);
  }

  /** Opens the photo of the address as soon as it is loaded. */
  byAddress(): void {
    const at = this.#named;
    if (at === null || !this.#list.count) return;
    if (at >= this.#list.count) {
      this.#named = null;
      leave();
    } else if (this.#list.at(at)) {
      this.#named = null;
      this.open(at, false);
    }
  }

  /** Follows the address: at first, and on Back and Forward. */
  follow(): void {
    const at = photoInAddress();
    if (at === null) {
      this.#named = null;
      this.end();
    } else if (this.#viewer) this.#viewer.goTo(at);
    else {
      this.#named = at;
      this.byAddress();
    }
  }

  /** Closes without a step in the history. */
  end(): void {
    this.#left = true;
    this.#viewer?.close();
  }

  refresh(): void {
    this.#viewer?.refresh();
  }

  async open(at: number, enters = this.#view.history === "query"): Promise<void> {
    if (this.#viewer || this.#opening) return;
    this.#opening = true;
    this.#left = false;
    if (enters) enter("photo", at);
    try {
      const { openViewer } = await import("./viewer.ts");
      if (this.#left || !this.#view.isConnected) return; // Back was faster
      this.#viewer = openViewer(at, this.#host());
      this.#view.layered();
    } catch {
      this.#leave();
      this.#view.say(this.#view.speech.t("results.viewer_problem"));
    } finally {
      this.#opening = false;
    }
  }

  #leave(): void {
    if (this.#view.history === "query" && !this.#left) leave();
    this.#left = true;
  }

  #host(): ViewerHost {
    const view = this.#view;
    const { t } = view.speech;
    const list = this.#list;
    return {
      root: view.renderRoot as ShadowRoot,
      texts: {
        close: t("results.close"),
        zoom: t("results.viewer.zoom"),
        previous: t("results.viewer.previous"),
        next: t("results.viewer.next"),
        save: t("results.viewer.save"),
        share: t("results.viewer.share"),
        broken: t("results.viewer.broken"),
      },
      count: () => list.count,
      photo: (at) => list.at(at),
      thumb: (at) => view.gridOf(at)?.imageAt(at) ?? null,
      nameOf: (at) => t("results.photo", { n: at + 1, total: list.count }),
      altOf: (at) => t(isBib(view.requestId) ? "results.photo" : "results.photo_alt", { n: at + 1, total: list.count }),
      positionOf: (at) => t("results.position", { n: at + 1, total: list.count }),
      changed: (at) => {
        if (view.history === "query" && photoInAddress() !== at && !this.#left) show(at);
        if (at + NEAR_PHOTOS >= list.loaded) view.need();
      },
      closing: (at) => {
        view.gridOf(at)?.scrollToPhoto(at);
        this.#leave();
      },
      closed: (at) => {
        this.#viewer = undefined;
        view.layered();
        if (view.isConnected) view.gridOf(at)?.focusPhoto(at);
      },
      save: (at) => view.save([at]),
      share: sharesFiles() ? (at) => view.share([at]) : null,
    };
  }
}
