/** The system's dialog for a file, or its camera. */
import { ACCEPTED } from "./picture.ts";

/** Webviews without a file picker do nothing at all; a guest who waits so long is told a way out. */
const SILENT_MS = 8_000;

export class Picker {
  /** Nothing came of the last tap. */
  silent = false;
  readonly #changed: () => void;
  #input: HTMLInputElement | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param changed called when `silent` has become true */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Within a tap, or the browser refuses. */
  open(root: ParentNode, capture: boolean, chosen: (file: File) => void): void {
    this.#input?.remove();
    const input = document.createElement("input");
    input.type = "file";
    input.accept = ACCEPTED;
    input.hidden = true;
    if (capture) input.setAttribute("capture", "user");
    const heard = () => {
      this.stop();
      removeEventListener("blur", heard);
      this.silent = false;
    };
    input.addEventListener("change", () => {
      heard();
      const file = input.files?.[0];
      if (file) chosen(file);
    });
    input.addEventListener("cancel", heard);
    addEventListener("blur", heard, { once: true }); // the system's dialog is open
    this.#input = input;
    root.append(input);
    this.stop();
    this.#timer = setTimeout(() => {
      this.silent = true;
      this.#changed();
    }, SILENT_MS);
    input.click();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
