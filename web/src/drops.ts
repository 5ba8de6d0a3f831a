/** Pictures that are dragged from elsewhere onto the element. */

export class Drops {
  /** One is over it now. */
  over = false;
  readonly #target: EventTarget;
  readonly #takes: () => boolean;
  readonly #changed: () => void;
  readonly #dropped: (file: File) => void;

  /** @param takes whether one is wanted; @param changed called when `over` has changed */
  constructor(target: EventTarget, takes: () => boolean, changed: () => void, dropped: (file: File) => void) {
    this.#target = target;
    this.#takes = takes;
    this.#changed = changed;
    this.#dropped = dropped;
  }

  start(): void {
    for (const type of ["dragover", "dragleave", "drop"]) this.#target.addEventListener(type, this.#dragged);
  }

  stop(): void {
    for (const type of ["dragover", "dragleave", "drop"]) this.#target.removeEventListener(type, this.#dragged);
  }

  readonly #dragged = (event: Event) => {
    if (!this.#takes()) return;
    event.preventDefault();
    const over = event.type === "dragover";
    if (this.over !== over) this.#changed();
    this.over = over;
    const file = event.type === "drop" ? (event as DragEvent).dataTransfer?.files[0] : null;
    if (file) this.#dropped(file);
  };
}
