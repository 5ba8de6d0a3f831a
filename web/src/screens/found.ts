/** S5: what stands around the results view: whose photos these are, what else may come, and nothing found. */
import { html, nothing, type TemplateResult } from "lit";
import type { Api } from "../api.ts";
import type { Result } from "../flow.ts";
import type { EventPage, MenuChoice } from "../types.ts";
import { heading, icon, type View } from "./view.ts";

export interface Found {
  readonly api: Api;
  readonly history: "query" | "none";
  readonly originals: boolean;
  readonly facesKept: boolean;
  keepFaces(): void;
  choose(choice: MenuChoice): void;
}

export function foundScreen(view: View, result: Result, event: EventPage, found: Found): TemplateResult {
  if (!result.total) return nothingFound(view, event, found);
  const page = found.originals ? event : { ...event, allows: { ...event.allows, originals: false } };
  return html`<div class="found">
    ${view.state.own ? nothing : shared(view, event)} ${faces(view, result, found)}
    <face-search-results
      part="grid"
      exportparts="grid, tile, button, sheet"
      .photos=${result.photos}
      .total=${result.total}
      .requestId=${result.requestId}
      .eventPage=${page}
      .api=${found.api}
      .history=${found.history}
      .t=${view.t}
      .speech=${view.speech}
      @need-page=${(need: CustomEvent<{ page: number }>) => view.dispatch({ type: "need-page", page: need.detail.page })}
      @menu=${(menu: CustomEvent<MenuChoice>) => found.choose(menu.detail)}
      @notice=${(notice: CustomEvent<string>) => view.say(notice.detail)}
    ></face-search-results>
    ${result.more === "failed" ? moreFailed(view, result) : nothing} ${arriving(view, event, found)} ${kiosk(view)}
  </div>`;
}

function nothingFound(view: View, event: EventPage, found: Found): TemplateResult {
  const { t } = view;
  const done = event.photos.complete;
  return html`<div class="centre">
    <div class="words">
      ${icon("face")} ${heading(view, t(done ? "found.none" : "found.none_yet"))}
      <p class="muted">${done ? t("found.none_text") : newest(view, event)}</p>
      <div class="actions">
        ${done ? nothing : html`<button class="primary big" part="button" type="button" @click=${() => found.choose("look-again")}>${t("found.look_again")}</button>`}
        <button class=${done ? "primary big" : "big"} part="button" type="button" @click=${() => view.takeSelfie()}>${t("check.another")}</button>
        ${view.state.own ? html`<button class="quiet" type="button" @click=${() => found.choose("delete")}>${t("delete.do")}</button>` : nothing}
      </div>
    </div>
  </div>`;
}

const newest = (view: View, { photos }: EventPage) => {
  const came = photos.newest_at && view.t("found.newest", { ago: view.speech.ago(photos.newest_at) });
  return [view.t("found.arriving"), came].filter(Boolean).join(" ");
};

/** Somebody else's link: finding one's own photos comes first. */
function shared(view: View, event: EventPage): TemplateResult {
  return html`<div class="strip">
    <p><strong>${view.t("found.shared", { event: event.event_name })}</strong><br /><span class="muted small">${view.t("found.shared_text")}</span></p>
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

function arriving(view: View, event: EventPage, found: Found): TemplateResult | typeof nothing {
  if (event.photos.complete || !view.state.own || !event.allows.search) return nothing;
  return html`<div class="strip">
    <p class="muted">${newest(view, event)}</p>
    <button part="button" type="button" @click=${() => found.choose("look-again")}>${view.t("found.look_again")}</button>
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
