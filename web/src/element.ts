/** `<face-search>`: the whole flow in one element. */
import { html, LitElement } from "lit";
import { Speech } from "./i18n.ts";
import { shared, tokens } from "./styles.ts";

export class FaceSearch extends LitElement {
  static override styles = [tokens, shared];
  readonly #speech = new Speech();

  override render() {
    return html`<main><h1>${this.#speech.t("start.title")}</h1></main>`;
  }
}
