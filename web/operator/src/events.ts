/** `<operator-events>`: an organisation's events; how much there is of each is asked for one after the other. */
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { Loading, read } from "./api.ts";
import { ago, count, day, several, time, UNKNOWN } from "./format.ts";
import { address, type Filter } from "./route.ts";
import { styles } from "./styles.ts";
import type { EventDetails, EventList, EventRow } from "./types.ts";

const AT_ONCE = 3;

export class OperatorEvents extends LitElement {
  static override styles = styles;
  static override properties = { org: { attribute: false }, page: { attribute: false } };
  declare org: number;
  declare page: number;
  readonly #list = new Loading<EventList>(this);
  #details = new Map<number, EventDetails | null>();
  #counting = new AbortController();

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("org") || changed.has("page")) this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#counting.abort();
  }

  async #load(): Promise<void> {
    this.#counting.abort();
    this.#counting = new AbortController();
    const { signal } = this.#counting;
    this.#details = new Map();
    const list = await this.#list.start(`orgs/${this.org}/events?page=${this.page}`);
    const waiting = [...(list?.events ?? [])];
    const next = async (): Promise<void> => {
      for (let event = waiting.shift(); event && !signal.aborted; event = waiting.shift()) {
        const { event_id } = event;
        this.#details.set(event_id, await read<EventDetails>(`events/${event_id}`, signal).catch(() => null));
        this.requestUpdate();
      }
    };
    for (let number = 0; number < AT_ONCE; number++) next();
  }

  override render() {
    const list = this.#list.value;
    if (this.#list.problem)
      return html`<h1 tabindex="-1">Events</h1><p class="problem note" role="alert">${this.#list.problem}</p>`;
    if (!list) return html`<p class="muted" role="status">Loading events…</p>`;
    return html`
      <div class="head"><div><h1 tabindex="-1">${list.org_name}</h1>
        <p class="muted">Organisation ${list.org_id} · ${several(list.total, "event")}</p></div></div>
      ${list.events.length ? this.#table(list.events) : html`<p class="empty">There are no events here.</p>`}
      ${this.#pages(list)}`;
  }

  #table(events: readonly EventRow[]) {
    return html`<div class="wide"><table class="cards">
      <thead><tr><th scope="col">Event</th><th scope="col" class="number">Photos</th><th scope="col" class="number">Failed</th>
        <th scope="col" class="number">No face</th><th scope="col" class="number">Faces</th><th scope="col" class="number">Searches</th>
        <th scope="col">Last photo</th><th scope="col">Links</th><th scope="col">State</th></tr></thead>
      <tbody>${events.map((event) => this.#row(event))}</tbody></table></div>
      <p class="note">Photos are counted up to some 2,000 an event and searches up to 1,000. A number with + is a lower bound.</p>`;
  }

  #row(event: EventRow) {
    const details = this.#details.get(event.event_id);
    const { counts, links } = details ?? {};
    const shown = (value: number | null | undefined, more = false) =>
      value === undefined ? (details === null ? UNKNOWN : "…") : count(value, more);
    const photos = (filter: Filter) =>
      address({ screen: "photos", event: event.event_id, filter, name: "", photo: null });
    const more = counts?.more_photos ?? false;
    const searches = address({ screen: "searches", event: event.event_id, begin: "" });
    return html`<tr>
      <th scope="row"><a href=${photos("all")}>${event.event_name}</a><br><span class="muted">${day(event.event_date)} · ${event.event_id}</span></th>
      <td class="number" data-label="Photos">${shown(counts?.photos, more)}</td>
      <td class="number" data-label="Failed">${counts?.failed ? html`<a class="bad" href=${photos("failed")}>${shown(counts.failed, more)}</a>` : shown(counts?.failed, more)}</td>
      <td class="number" data-label="No face">${counts?.without_faces ? html`<a href=${photos("no_face")}>${shown(counts.without_faces, more)}</a>` : shown(counts?.without_faces, more)}</td>
      <td class="number" data-label="Faces">${shown(counts?.faces, more)}</td>
      <td class="number" data-label="Searches"><a href=${searches}>${shown(counts?.searches, counts?.more_searches)}</a></td>
      <td data-label="Last photo">${counts?.newest_at ? html`<span title=${time(counts.newest_at)}>${ago(counts.newest_at)}</span>` : shown(counts?.newest_at)}</td>
      <td data-label="Links">${shown(links?.all)}${links?.off ? html` <span class="muted">(${count(links.off)} off)</span>` : nothing}</td>
      <td data-label="State"><span class="pill ${event.event_enabled ? "ok" : ""}">${event.event_enabled ? "on" : "off"}</span></td>
    </tr>`;
  }

  #pages(list: EventList) {
    const last = Math.ceil(list.total / list.page_size);
    if (last <= 1) return nothing;
    const link = (page: number, name: string) =>
      page < 1 || page > last
        ? nothing
        : html`<a class="button" href=${address({ screen: "events", org: list.org_id, page })}>${name}</a>`;
    return html`<nav class="bar note" aria-label="Pages of events">${link(list.page - 1, "Newer")} Page ${list.page} of ${last} ${link(list.page + 1, "Older")}</nav>`;
  }
}
