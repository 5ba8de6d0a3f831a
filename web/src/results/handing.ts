/** Handing photos over to the guest: the buttons Save and Share, wherever they are. */
import type { Speech } from "../i18n.ts";
import type { EventPage } from "../types.ts";
import type { Source } from "./files.ts";
import type { Found, PhotoList } from "./list.ts";
import type { FaceSearchSaving } from "./saving-sheet.ts";
import { filesOf, MOST_SHARED, share } from "./sharing.ts";

interface View extends Found {
  readonly eventPage: EventPage;
  readonly speech: Speech;
  /** Seen and heard. */
  say(text: string): void;
  /** Only heard. */
  speak(text: string): void;
  saved(count: number): void;
}

export class Handing {
  readonly #view: View;
  readonly #list: PhotoList;
  readonly #sheet: () => Promise<FaceSearchSaving>;
  #sharing = false;
  /** What the last share fetched: a browser that wants another tap gets them then. */
  #ready: { readonly key: string; readonly files: readonly File[] } | undefined;

  /** @param sheet fetches what saves, which nobody needs before the first tap. */
  constructor(view: View, list: PhotoList, sheet: () => Promise<FaceSearchSaving>) {
    this.#view = view;
    this.#list = list;
    this.#sheet = sheet;
  }

  async save(at: readonly number[]): Promise<void> {
    const view = this.#view;
    if (!at.length) return;
    const sheet = await this.#sheet().catch(() => null);
    if (!sheet || sheet.busy) {
      view.say(view.speech.t(sheet ? "results.saving.busy" : "results.share_problem"));
      return;
    }
    sheet.start({
      wanted: at.map((index) => this.#list.wanted(index)),
      source: this.#source(),
      photoAt: (index) => this.#list.at(index),
      speech: view.speech,
      say: (text) => view.speak(text),
      saved: (count) => view.saved(count),
    });
  }

  #source(): Source {
    const { api, eventPage } = this.#view;
    return {
      api,
      originals: eventPage.allows.originals,
      name: eventPage.event_name,
      photo: (wanted, signal) => this.#list.find(wanted, signal),
      fetch: (...parameters) => fetch(...parameters),
      wait,
    };
  }

  async share(at: readonly number[]): Promise<void> {
    const { speech, eventPage } = this.#view;
    if (this.#sharing || !at.length) return;
    if (at.length > MOST_SHARED) {
      this.#view.say(speech.t("results.share_limit", { n: MOST_SHARED }));
      return;
    }
    this.#sharing = true;
    try {
      const key = at.join();
      if (this.#ready?.key !== key) {
        const photos = await Promise.all(at.map((index) => this.#list.find(this.#list.wanted(index))));
        this.#ready = { key, files: await filesOf(photos, eventPage.event_name) };
      }
      if (!(await share(this.#ready.files))) this.#view.say(speech.t("results.share_ready"));
    } catch {
      this.#ready = undefined;
      this.#view.say(speech.t("results.share_problem"));
    } finally {
      this.#sharing = false;
    }
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
