/** S5: what stands around the results view: whose photos these are, whether they are of one guest, and how it ends. */
import { html, nothing, type TemplateResult } from "lit";
import type { Api } from "../api.ts";
import type { Result } from "../flow.ts";
import type { EventPage, MenuChoice } from "../types.ts";
import type { View } from "./view.ts";

export interface Found {
  readonly api: Api;
  readonly history: "query" | "none";
  readonly originals: boolean;
  readonly facesKept: boolean;
  keepFaces(): void;
  saved(count: number): void;
  choose(choice: MenuChoice): void;
}

export function foundScreen(view: View, result: Result, event: EventPage, found: Found): TemplateResult {
  const page = found.originals ? event : { ...event, allows: { ...event.allows, originals: false } };
  return html`<div class="found">
    ${view.state.own ? nothing : shared(view)} ${faces(view, result, found)}
    <face-search-results
      part="grid"
      exportparts="grid, tile, button, sheet"
      .photos=${result.photos}
      .total=${result.total}
      .requestId=${result.requestId}
      .eventPage=${page}
      .api=${found.api}
      .history=${found.history}
      .heading=${view.state.own || !result.total ? null : view.t("found.shared", { event: event.event_name })}
      .speech=${view.speech}
      @need-page=${(need: CustomEvent<{ page: number }>) => view.dispatch({ type: "need-page", page: need.detail.page })}
      @menu=${(menu: CustomEvent<MenuChoice>) => found.choose(menu.detail)}
      @saved=${(saved: CustomEvent<{ count: number }>) => found.saved(saved.detail.count)}
      @notice=${(notice: CustomEvent<string>) => view.say(notice.detail)}
    ></face-search-results>
    ${result.more === "failed" ? moreFailed(view, result) : nothing} ${kiosk(view)}
  </div>`;
}

/** Somebody else's link: finding one's own photos comes first. */
function shared(view: View): TemplateResult {
  return html`<div class="strip">
    <p>${view.t("found.shared_text")}</p>
    <button class="primary" part="button" type="button" @click=${() => view.dispatch({ type: "again" })}>${view.t("found.find_mine")}</button>
  </div>`;
}

function faces(view: View, { selfieFaces }: Result, found: Found): TemplateResult | typeof nothing {
  if (!selfieFaces || selfieFaces < 2 || found.facesKept) return nothing;
  return html`<div class="strip">
    <p><strong>${view.t("found.faces", { n: selfieFaces })}</strong><br /><span class="muted small">${view.t("found.faces_text")}</span></p>
    <div class="actions">
      <button type="button" @click=${() => view.takeSelfie()}>${view.t("check.another")}</button>
      <button class="quiet" type="button" @click=${() => found.keepFaces()}>${view.t("found.keep")}</button>
    </div>
  </div>`;
}

function moreFailed(view: View, result: Result): TemplateResult {
  return html`<div class="strip" role="alert">
    <p>${view.t("found.more_failed")}</p>
    <button type="button" @click=${() => view.dispatch({ type: "need-page", page: result.page + 1 })}>${view.t("retry")}</button>
  </div>`;
}

function kiosk(view: View): TemplateResult | typeof nothing {
  if (!view.kiosk) return nothing;
  return html`<div class="strip">
    <p class="muted">${view.t("kiosk.soon")}</p>
    <button type="button" @click=${() => view.dispatch({ type: "forget" })}>${view.t("kiosk.done")}</button>
  </div>`;
}
