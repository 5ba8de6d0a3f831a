/** S4: the selfie is on its way, or a result is being opened; and why it takes longer. */
import { html, nothing, type TemplateResult } from "lit";
import type { Screen } from "../flow.ts";
import { heading, type View } from "./view.ts";

type Call = Extract<Screen, { at: "sending" | "reading" }>;

/** The heading, which is also what is announced. */
export function sendingTitle(view: View, { phase, at }: Call): string {
  if (phase === "queued" || phase === "retrying" || phase === "offline") return view.t(`send.${phase}_title`);
  return view.t(at === "reading" ? "send.reading" : "send.title");
}

export function sendingScreen(view: View, screen: Call): TemplateResult {
  const { t } = view;
  const { phase, until } = screen;
  const n = until ? Math.max(1, Math.ceil((until - Date.now()) / 1000)) : 1;
  const waits = phase === "queued" || phase === "retrying";
  return html`<div class="centre sending">
    <div class="scan ${phase === "offline" ? "still" : ""}">
      ${view.selfieUrl && screen.at === "sending" ? html`<img class="selfie" src=${view.selfieUrl} alt="" />` : nothing}
    </div>
    ${heading(view, sendingTitle(view, screen))}
    ${
      waits || phase === "offline"
        ? html`<p class="muted">${phase === "queued" ? t("send.queued", { n }) : t(`send.${phase}`)}</p>`
        : screen.at === "sending"
          ? html`<p class="muted steps">
            <span>${t(phase === "slow" ? "send.slow" : "send.sending")}</span>
            ${phase === "slow" ? nothing : html`<span class="second">${t("send.looking")}</span>`}
          </p>`
          : nothing
    }
    <div class="actions">
      ${waits ? html`<button class="primary" type="button" @click=${() => view.dispatch({ type: "retry" })}>${t("retry")}</button>` : nothing}
      <button type="button" @click=${() => view.dispatch({ type: "cancel" })}>${t("cancel")}</button>
    </div>
  </div>`;
}
