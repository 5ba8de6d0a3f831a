/** `<face-search-menu>`: the ⋯ button of the results and what it opens. Fires `menu` with the choice. */
import { css, html, LitElement, nothing } from "lit";
import type { MessageKey, Translate } from "../i18n.ts";
import { shared } from "../styles.ts";
import type { MenuChoice } from "../types.ts";

type Item = readonly [MenuChoice, MessageKey];
const LINK: Item = ["copy-link", "results.menu.copy_link"];
const PRIVACY: Item = ["privacy", "results.menu.privacy"];
const OF_SEARCH: readonly Item[] = [
  LINK,
  ["again", "results.menu.again"],
  ["missing", "results.menu.missing"],
  ["delete", "results.menu.delete"],
  PRIVACY,
];
/** Nothing is stored that could be deleted. */
const OF_BIB: readonly Item[] = [LINK, ["again", "bib.again"], PRIVACY];

export class FaceSearchMenu extends LitElement {
  static override properties = {
    t: { attribute: false },
    link: { attribute: false },
    bib: { attribute: false },
    open: { state: true },
  };
  static override styles = [
    shared,
    css`
      :host { position: relative; }
      .icon { font-size: 1.5rem; line-height: 1; border-radius: 50%; }
      .icon[aria-expanded="true"] { background: var(--fill); }
      .menu {
        position: absolute; z-index: 5; inset-block-start: calc(100% + 4px); inset-inline-end: 0; min-inline-size: 250px;
        padding: 6px; background: var(--raised); border-radius: var(--radius);
        box-shadow: 0 0 0 1px var(--line), 0 12px 32px rgb(0 0 0 / .22);
      }
      .menu button {
        display: flex; inline-size: 100%; justify-content: flex-start; text-align: start; padding: 0.5em 0.9em;
        border-radius: calc(var(--radius) - 5px); background: none; font-weight: 500; outline-offset: -2px;
      }
      .menu button:hover, .menu button:focus { background: var(--fill); filter: none !important; }
    `,
  ];

  declare t: Translate;
  /** Whether the results have an address that can be copied. */
  declare link: boolean;
  /** Whether the results are a bib's. */
  declare bib: boolean;
  declare open: boolean;

  constructor() {
    super();
    this.link = true;
    this.bib = false;
    this.open = false;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#listen(false);
  }

  protected override render() {
    const items = (this.bib ? OF_BIB : OF_SEARCH).filter((item) => item !== LINK || this.link);
    return html`<button class="icon" type="button" aria-haspopup="menu" aria-expanded=${String(this.open)}
        aria-label=${this.t("results.menu")} @click=${() => this.#toggle(!this.open)} @keydown=${this.#opens}>
        <span aria-hidden="true">⋯</span>
      </button>
      ${
        this.open
          ? html`<div class="menu" role="menu" aria-label=${this.t("results.menu")} @keydown=${this.#pressed}>
            ${items.map(
              ([choice, key]) => html`<button type="button" role="menuitem" tabindex="-1"
                class=${choice === "delete" ? "danger" : ""} @click=${() => this.#choose(choice)}>${this.t(key)}</button>`,
            )}
          </div>`
          : nothing
      }`;
  }

  async #toggle(open: boolean, at = 0): Promise<void> {
    this.open = open;
    this.#listen(open);
    await this.updateComplete;
    if (open) this.#items().at(at)?.focus();
    else this.#button()?.focus();
  }

  #button(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>(".icon");
  }

  #items(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>("[role=menuitem]")];
  }

  #choose(choice: MenuChoice): void {
    this.#toggle(false);
    this.dispatchEvent(new CustomEvent<MenuChoice>("menu", { detail: choice }));
  }

  readonly #opens = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    this.#toggle(true, event.key === "ArrowUp" ? -1 : 0);
  };

  readonly #pressed = (event: KeyboardEvent) => {
    if (event.key === "Tab") {
      this.#button()?.focus(); // from where Tab then goes on
      this.#shut();
      return;
    }
    const items = this.#items();
    const at = items.indexOf(event.target as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) items.at(to === items.length ? 0 : to)?.focus();
    else if (event.key === "Escape") this.#toggle(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  readonly #outside = (event: Event) => {
    if (!event.composedPath().includes(this)) this.#shut();
  };

  #shut(): void {
    this.open = false;
    this.#listen(false);
  }

  #listen(on: boolean): void {
    if (on) document.addEventListener("pointerdown", this.#outside);
    else document.removeEventListener("pointerdown", this.#outside);
  }
}
