/** One photo, large: the only module that knows PhotoSwipe. It is fetched when the first photo is opened. */
import PhotoSwipe, { type SlideData } from "photoswipe";
import library from "photoswipe/dist/photoswipe.css?inline";
import type { Photo } from "../types.ts";
import own from "./viewer.css?inline";

/** What the viewer needs of the list. Photos count from 0. */
export interface ViewerHost {
  readonly root: ShadowRoot;
  readonly texts: Readonly<Record<"close" | "zoom" | "previous" | "next" | "save" | "share" | "broken", string>>;
  /** All photos, those that are not loaded, too. */
  count(): number;
  /** Undefined: not loaded yet. */
  photo(at: number): Photo | undefined;
  /** The picture in the grid. */
  thumb(at: number): HTMLImageElement | null;
  /** "Photo 4 of 23" */
  nameOf(at: number): string;
  altOf(at: number): string;
  /** What is written in the corner. */
  positionOf(at: number): string;
  changed(at: number): void;
  /** Before the photo shrinks into the grid. */
  closing(at: number): void;
  closed(at: number): void;
  save(at: number): void;
  /** Null: this browser shares no files. */
  readonly share: ((at: number) => void) | null;
}

export interface Viewer {
  /** Modal, so what must be reached while a photo is open lies in it. */
  readonly dialog: HTMLDialogElement;
  close(): void;
  goTo(at: number): void;
  /** More photos are loaded. */
  refresh(): void;
  /** Tells screen readers: nothing outside of a modal dialog is read. */
  say(text: string): void;
}

/** The API's largest rendition. */
const LARGE_SIDE = 2048;
/** Of windows that show the medium rendition, until somebody zooms in. */
const PHONE_WIDTH = 640;
const SAVE = '<path d="M16 7v12m-5-5 5 5 5-5M8 20v4h16v-4" id="pswp__icn-save"/>';
const SHARE = '<path d="M16 19V7m-4.5 4 4.5-4.5 4.5 4.5M11 14H9v10h14V14h-2" id="pswp__icn-share"/>';

export function openViewer(at: number, host: ViewerHost): Viewer {
  adopt(host.root);
  const dialog = document.createElement("dialog");
  dialog.className = "viewer";
  dialog.setAttribute("aria-label", host.nameOf(at));
  const live = document.createElement("div");
  live.className = "visually-hidden";
  live.setAttribute("role", "status");
  dialog.append(live);
  host.root.append(dialog);
  dialog.showModal();

  const pswp = photoSwipe(at, host, dialog);
  let closes = false;
  let shown = -1;
  pswp.on("change", () => {
    if (pswp.currIndex === shown) return;
    shown = pswp.currIndex;
    dialog.setAttribute("aria-label", host.nameOf(shown));
    live.textContent = host.nameOf(shown);
    host.changed(shown);
  });
  pswp.on("close", () => host.closing(pswp.currIndex));
  pswp.on("destroy", () => {
    dialog.close();
    host.closed(pswp.currIndex);
    dialog.remove();
  });
  pswp.on("openingAnimationEnd", () => closes && pswp.close());
  const close = () => {
    closes = true; // while it opens, PhotoSwipe closes nothing
    pswp.close();
  };
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("close", () => pswp.destroy()); // a browser may close a dialog without asking
  pswp.init();
  // Tokens in English that a screen reader would speak; the dialog is the name and role of it all.
  pswp.element?.removeAttribute("role");
  for (const part of dialog.querySelectorAll("[aria-roledescription]")) part.removeAttribute("aria-roledescription");
  pswp.element?.focus();
  return {
    dialog,
    close,
    goTo: (to) => pswp.goTo(to),
    refresh: () => {
      // Also what is prepared and in no holder yet: two slides ahead, and what was looked at before.
      for (const { index, data } of [...pswp.contentLoader._cachedItems])
        if (data.type === "pending" && host.photo(index)) pswp.refreshSlideContent(index);
    },
    say: (text) => {
      live.textContent = text;
    },
  };
}

function photoSwipe(at: number, host: ViewerHost, dialog: HTMLDialogElement): PhotoSwipe {
  const { texts } = host;
  const pswp = new PhotoSwipe({
    index: at,
    appendToEl: dialog,
    bgOpacity: 1,
    loop: false,
    counter: false,
    // The dialog does both, and PhotoSwipe cannot see into a shadow root.
    trapFocus: false,
    returnFocus: false,
    closeTitle: texts.close,
    zoomTitle: texts.zoom,
    arrowPrevTitle: texts.previous,
    arrowNextTitle: texts.next,
    errorMsg: texts.broken,
    showHideAnimationType: "zoom",
    paddingFn: ({ x }) =>
      x < 640 ? { top: 0, bottom: 0, left: 0, right: 0 } : { top: 60, bottom: 24, left: 24, right: 24 },
  });
  pswp.addFilter("numItems", () => host.count());
  const failed = new Map<number, number>();
  pswp.addFilter("itemData", (_, index) => slideOf(index, host, failed.get(index) ?? 0));
  // A picture that does not come gives way to the next: at last to the small one, which is there.
  pswp.on("loadError", ({ slide }) => {
    const times = (failed.get(slide.index) ?? 0) + 1;
    if (times > 2) return;
    failed.set(slide.index, times);
    queueMicrotask(() => pswp.isOpen && pswp.refreshSlideContent(slide.index));
  });
  pswp.addFilter("placeholderSrc", (_, content) => content.data.msrc ?? false);
  pswp.addFilter("thumbEl", (_, _data, index) => host.thumb(index) as HTMLElement);
  pswp.on("uiRegister", () => {
    pswp.ui?.registerElement({
      name: "position",
      order: 5,
      onInit: (element) => {
        element.setAttribute("aria-hidden", "true"); // the status says it
        pswp.on("change", () => {
          element.textContent = host.positionOf(pswp.currIndex);
        });
      },
    });
    const button = (name: string, title: string, inner: string, order: number, act: (at: number) => void) =>
      pswp.ui?.registerElement({
        name,
        title,
        order,
        isButton: true,
        html: { isCustomSVG: true, inner, outlineID: `pswp__icn-${name}` },
        onClick: () => act(pswp.currIndex),
      });
    button("save", texts.save, SAVE, 8, (index) => host.save(index));
    if (host.share) button("share", texts.share, SHARE, 9, host.share);
  });
  return pswp;
}

/** @param failed how many of its pictures did not come. */
function slideOf(index: number, host: ViewerHost, failed: number): SlideData {
  const photo = host.photo(index);
  if (!photo) return { type: "pending", html: "", width: 1, height: 1 };
  const thumb = host.thumb(index);
  // Where nobody knows the size, the thumbnail has its shape; 3:2 is the grid's guess.
  const width = photo.width || (thumb?.naturalWidth ?? 0) * 5 || 1500;
  const height = photo.height || (thumb?.naturalHeight ?? 0) * 5 || 1000;
  const scale = Math.min(1, LARGE_SIDE / Math.max(width, height));
  const medium = innerWidth < PHONE_WIDTH && photo.medium;
  const sources = medium ? [photo.large, photo.large, photo.thumb] : [photo.large, photo.thumb];
  return {
    src: sources[failed] ?? photo.thumb,
    // Said to be as wide as the window: PhotoSwipe tells the browser how wide it shows it, so zooming in asks for more.
    ...(medium && !failed
      ? { srcset: `${medium} ${Math.ceil(innerWidth * devicePixelRatio)}w, ${photo.large} ${LARGE_SIDE * 2}w` }
      : {}),
    msrc: photo.thumb,
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    alt: host.altOf(index),
    thumbCropped: true,
  };
}

const sheets: CSSStyleSheet[] = [];

/** Styles by sheets that scripts make: an element with styles in it would break the page's policy. */
function adopt(root: ShadowRoot): void {
  if (!sheets.length) {
    for (const text of [library, own]) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      sheets.push(sheet);
    }
  }
  if (!root.adoptedStyleSheets.includes(sheets[0] as CSSStyleSheet)) root.adoptedStyleSheets.push(...sheets);
}
