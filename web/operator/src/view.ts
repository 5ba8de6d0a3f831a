/** `<operator-view>`: the frame around the screens, which follow the address. */
import { css, html, LitElement, nothing } from "lit";
import { Loading } from "./api.ts";
import { address, parse, type Route } from "./route.ts";
import { styles } from "./styles.ts";
import type { About, EventDetails } from "./types.ts";

export class OperatorView extends LitElement {
  static override styles = [
    ...styles,
    css`
      header { position: sticky; inset-block-start: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px;
        padding: 10px clamp(16px, 3vw, 32px); background: var(--paper); border-block-end: 1px solid var(--line); }
      header > strong { font-size: 0.9375rem; }
      nav { margin-inline-start: auto; }
      main { padding: 24px clamp(16px, 3vw, 32px) 64px; max-inline-size: 1600px; margin: 0 auto; }
      .back { display: inline-block; margin-block-end: 6px; color: var(--muted); }
      form { display: grid; gap: 12px; justify-items: start; }
      @media (max-width: 639px) { nav { margin: 0; inline-size: 100%; } nav .tabs { display: flex; } nav .tabs a { flex: 1; text-align: center; } main { padding-block-start: 16px; } }
    `,
  ];

  readonly #about = new Loading<About>(this);
  readonly #event = new Loading<EventDetails>(this);
  #route: Route = parse(location.hash);
  #org: number | null = null;

  readonly #follow = () => {
    const before = this.#route;
    this.#route = parse(location.hash);
    this.#prepare(before);
    this.requestUpdate();
    if (this.#place(before) !== this.#place(this.#route))
      this.updateComplete.then(() => {
        scrollTo(0, 0);
        this.renderRoot.querySelector<HTMLElement>("h1")?.focus();
      });
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.#follow);
    this.#about.start("about").then((about) => {
      this.#org ??= about?.org_id ?? null;
      this.requestUpdate();
    });
    this.#prepare(null);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.#follow);
  }

  /** What makes two addresses two screens, whose heading is to be read. */
  #place(route: Route): string {
    return `${route.screen} ${"event" in route ? route.event : "org" in route ? route.org : ""}`;
  }

  #prepare(before: Route | null): void {
    const route = this.#route;
    if (route.screen === "events") this.#org = route.org;
    if (!("event" in route) || (before && "event" in before && before.event === route.event)) return;
    this.#event.start(`events/${route.event}`).then((event) => {
      this.#org = event?.org_id ?? this.#org;
      this.requestUpdate();
    });
  }

  override render() {
    const about = this.#about.value;
    const { screen } = this.#route;
    const tab = (href: string, name: string, isHere: boolean) =>
      html`<a href=${href} aria-current=${isHere ? "page" : nothing}>${name}</a>`;
    return html`
      <header>
        <strong>Face Search</strong>
        <span class="pill" title="The stack that you look into. Nothing can be changed here.">${about ? about.stack : "…"} · read-only</span>
        <nav aria-label="View"><div class="tabs">
          ${tab(this.#org ? address({ screen: "events", org: this.#org, page: 1 }) : "#/", "Events", !["queues", "errors"].includes(screen))}
          ${tab("#/queues", "Queues", screen === "queues")}
          ${tab("#/errors", "Errors", screen === "errors")}
        </div></nav>
      </header>
      <main>${this.#about.problem ? html`<h1 tabindex="-1">Operator's view</h1><p class="problem note" role="alert">${this.#about.problem}</p>` : this.#screen(about)}</main>`;
  }

  #screen(about: About | null) {
    const route = this.#route;
    switch (route.screen) {
      case "queues":
        return html`<h1 tabindex="-1">Queues</h1><operator-queues .local=${about?.local ?? false}></operator-queues>`;
      case "errors":
        return html`<h1 tabindex="-1">Last errors and warnings</h1><operator-errors></operator-errors>`;
      case "events":
        return html`<operator-events .org=${route.org} .page=${route.page}></operator-events>`;
      case "start":
        if (this.#org) return html`<operator-events .org=${this.#org} .page=${1}></operator-events>`;
        return about ? this.#question() : nothing;
      default:
        return this.#eventScreen(route);
    }
  }

  #question() {
    const open = (event: SubmitEvent) => {
      event.preventDefault();
      const org = Number(new FormData(event.target as HTMLFormElement).get("org"));
      if (org > 0) location.hash = address({ screen: "events", org, page: 1 });
    };
    return html`<form @submit=${open}>
      <h1 tabindex="-1">Whose events?</h1>
      <label>Number of the organisation <input name="org" inputmode="numeric" pattern="[0-9]{1,15}" required></label>
      <button>Show events</button>
    </form>`;
  }

  #eventScreen(route: Extract<Route, { event: number }>) {
    const event = this.#event.value;
    const photos = address({ screen: "photos", event: route.event, filter: "all", name: "", photo: null });
    const searches = address({ screen: "searches", event: route.event, begin: "" });
    const isPhotos = route.screen === "photos";
    return html`
      ${this.#org ? html`<a class="back" href=${address({ screen: "events", org: this.#org, page: 1 })}>← All events</a>` : nothing}
      <div class="head">
        <div><h1 tabindex="-1">${event?.event_name ?? `Event ${route.event}`}</h1>
          <p class="muted">Event ${route.event}${event ? ` · selfie search ${event.selfie_search ? "on" : "off"} · confidence ${event.confidence} %${event.retain_until ? ` · faces until ${event.retain_until}` : ""}${event.faces_in ? ` · ${event.faces_in} keeps the faces` : ""}` : ""}</p></div>
        <div class="tabs">
          <a href=${photos} aria-current=${isPhotos ? "page" : nothing}>Photos</a>
          <a href=${searches} aria-current=${isPhotos ? nothing : "page"}>Searches</a>
        </div>
      </div>
      ${this.#event.problem ? html`<p class="problem" role="alert">${this.#event.problem}</p>` : isPhotos ? html`<operator-photos .event=${route.event} .filter=${route.filter} .name=${route.name} .photo=${route.photo}></operator-photos>` : html`<operator-searches .event=${route.event} .begin=${route.screen === "searches" ? route.begin : ""}></operator-searches>`}`;
  }
}
