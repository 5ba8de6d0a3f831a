/** S5: what was found, and what the page says around it. The photos are `<face-search-results>`'s. */
import { html, nothing, type TemplateResult } from "lit";
import { isBib } from "../bib.ts";
import type { Result } from "../flow.ts";
import type { MenuChoice, NewPhoto } from "../types.ts";
import { bibSearch } from "./start.ts";
import type { View } from "./view.ts";
import { watching } from "./watching.ts";

const NONE: readonly NewPhoto[] = [];

export function foundScreen(view: View, result: Result): TemplateResult {
  const { state, t, speech } = view;
  const { requestId, total } = result;
  const bib = isBib(requestId);
  const mine = state.own || view.embedded;
  const heading = mine ? null : t("found.shared", { event: state.event?.event_name ?? "" });
  return html`${above(view, result)}
    <face-search-results exportparts="button, grid, tile, sheet" .photos=${result.photos} .newPhotos=${result.later?.photos ?? NONE} .total=${total} .requestId=${requestId}
      .eventPage=${state.event} .api=${view.api} .history=${view.addressed ? "query" : "none"} .speech=${speech}
      .heading=${bib ? t("bib.found", { n: total, bib: requestId }) : heading}
      @need-page=${(event: CustomEvent<{ page: number }>) => view.dispatch({ type: "need-page", page: event.detail.page })}
      @notice=${(event: CustomEvent<string>) => view.say(event.detail)}
      @menu=${(event: CustomEvent<MenuChoice>) => chosen(view, event.detail)}
      @saved=${(event: CustomEvent<{ count: number }>) => view.tell("saved", event.detail)}>${bib ? (total ? nothing : bibSearch(view, true)) : mine ? watching(view, result) : nothing}</face-search-results>
    ${bib && total && state.event?.allows.search ? selfieToo(view) : nothing}
    ${
      result.more === "failed"
        ? html`<div class="strip" role="alert"><p>${t("found.more_failed")}</p>
            <button type="button" @click=${() => view.dispatch({ type: "need-page", page: result.page + 1 })}>${t("retry")}</button></div>`
        : nothing
    }
    ${view.kiosk ? kiosk(view) : nothing}`;
}

function above(view: View, result: Result): TemplateResult | typeof nothing {
  const { t, state } = view;
  if (isBib(result.requestId)) return nothing;
  if (!state.own && !view.embedded) {
    return html`<div class="strip"><p>${t("found.shared_text")}</p>
      <button type="button" class="primary" @click=${() => view.dispatch({ type: "again" })}>${t("found.find_mine")}</button></div>`;
  }
  const faces = result.selfieFaces ?? 1;
  if (faces < 2 || view.facesKept) return nothing;
  return html`<div class="strip" role="status"><p>${t("found.faces", { n: faces })} ${t("found.faces_text")}</p>
    <button type="button" @click=${() => view.dispatch({ type: "again" })}>${t("check.another")}</button>
    <button type="button" class="quiet" @click=${() => view.keepFaces()}>${t("found.keep")}</button></div>`;
}

function selfieToo(view: View): TemplateResult {
  return html`<div class="strip"><p>${view.t("bib.more")}</p>
    <button type="button" @click=${() => view.dispatch({ type: "again" })}>${view.t("start.selfie")}</button></div>`;
}

function kiosk(view: View): TemplateResult {
  return html`<div class="strip"><p>${view.t("kiosk.soon")}</p>
    <button type="button" @click=${() => view.reset()}>${view.t("kiosk.done")}</button></div>`;
}

function chosen(view: View, choice: MenuChoice): void {
  const acts: Record<MenuChoice, () => void> = {
    delete: () => view.dispatch({ type: "remove" }),
    again: () => view.dispatch({ type: "again" }),
    "look-again": view.lookAgain,
    "copy-link": () => view.show("copy"),
    missing: () => view.show("missing"),
    privacy: () => view.show("privacy"),
  };
  acts[choice]();
}
