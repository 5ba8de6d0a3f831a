/** A minimal stand-in for the results view, until it is there. */
import { html, LitElement } from "lit";
import type { Api } from "../api.ts";
import type { Translate } from "../i18n.ts";
import { shared } from "../styles.ts";
import type { EventPage, Photo } from "../types.ts";

export class FaceSearchResults extends LitElement {
  static override styles = [shared];
  static override properties = {
    photos: { attribute: false },
    total: { attribute: false },
    requestId: { attribute: false },
    eventPage: { attribute: false },
    api: { attribute: false },
    history: { attribute: false },
    t: { attribute: false },
  };

  declare photos: readonly Photo[];
  declare total: number;
  declare requestId: string;
  declare eventPage: EventPage;
  declare api: Api;
  declare history: "query" | "none";
  declare t: Translate;

  override render() {
    return html`<ul>${this.photos.map((photo) => html`<li><img src=${photo.thumb} alt="" /></li>`)}</ul>`;
  }
}
