/** `<operator-searches>`: an event's searches: when, how much they found, never for whom. */
import { html, LitElement, type PropertyValues } from "lit";
import { Loading } from "./api.ts";
import { ago, count, day, several, time, UNKNOWN } from "./format.ts";
import { address } from "./route.ts";
import { styles } from "./styles.ts";
import type { Search, SearchList } from "./types.ts";

export class OperatorSearches extends LitElement {
  static override styles = styles;
  static override properties = { event: { attribute: false }, begin: { attribute: false } };
  declare event: number;
  declare begin: string;
  readonly #list = new Loading<SearchList>(this);

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("event") || changed.has("begin"))
      this.#list.start(`events/${this.event}/searches?${new URLSearchParams({ request_id: this.begin })}`);
  }

  override render() {
    const search = (event: SubmitEvent) => {
      event.preventDefault();
      const begin = String(new FormData(event.target as HTMLFormElement).get("begin") ?? "").trim();
      location.hash = address({ screen: "searches", event: this.event, begin });
    };
    return html`
      <form class="bar" role="search" @submit=${search}><input type="search" name="begin" maxlength="36" size="40" aria-label="request_id, or what it begins with" placeholder="request_id, then Enter" .value=${this.begin}></form>
      <div class="apart">${this.#rows()}</div>`;
  }

  #rows() {
    const list = this.#list.value;
    if (this.#list.problem) return html`<p class="problem" role="alert">${this.#list.problem}</p>`;
    if (!list) return html`<p role="status">Loading searches…</p>`;
    if (!list.searches.length) return html`<p class="empty">There are no such searches.</p>`;
    const bound = list.more
      ? `There are more than ${count(list.scanned)} searches. These are the latest of the first ${count(list.scanned)} by request_id; search for one by what its request_id begins with.`
      : `${several(list.searches.length, "search")} of ${count(list.scanned)}, latest first.`;
    return html`<div class="wide"><table class="cards">
      <thead><tr><th scope="col">When</th><th scope="col">request_id</th><th scope="col" class="number">Photos found</th>
        <th scope="col" class="number">Confidence</th><th scope="col">Consent</th><th scope="col">Watch</th><th scope="col">Kept until</th></tr></thead>
      <tbody>${list.searches.map((search) => this.#row(search))}</tbody></table></div>
      <p class="note" role="status">${bound}</p>`;
  }

  #row(search: Search) {
    const date = (seconds: number) => day(new Date(seconds * 1000).toISOString());
    return html`<tr><td title=${time(search.created_at)}>${ago(search.created_at)}</td>
      <td class="mono full">${search.request_id}</td>
      <td class="number" data-label="Photos found">${count(search.total)}</td>
      <td class="number" data-label="Confidence">${search.confidence} %</td>
      <td data-label="Consent">${search.consent ?? UNKNOWN}</td>
      <td data-label="Watch">${search.watched_until ? `until ${date(search.watched_until)}` : UNKNOWN}</td>
      <td data-label="Kept until">${date(search.expires_at)}</td></tr>`;
  }
}
