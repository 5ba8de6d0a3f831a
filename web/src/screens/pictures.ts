/** S3 and S4: the selfie before it is sent, and while it is on its way. */
import { html, nothing, type TemplateResult } from "lit";
import { isBib } from "../bib.ts";
import type { Screen } from "../flow.ts";
import { bibField, spinner } from "./start.ts";
import { heading, icon, type View } from "./view.ts";

export function checkScreen(view: View): TemplateResult {
  const { t } = view;
  const back = () => view.dispatch({ type: "close" });
  const send = () => view.dispatch({ type: "send", requestId: view.newRequestId() });
  return html`<div class="narrow check">
    <button type="button" class="icon" aria-label=${t("back")} @click=${back}>${icon("back")}</button>
    ${heading(view, t("check.title"))}
    ${
      view.selfieUrl
        ? html`<img class="selfie" src=${view.selfieUrl} alt=${t("check.alt")} @error=${unseen} />
          <p class="muted unseen" hidden>${t("check.unseen")}</p>`
        : nothing
    }
    ${view.state.event?.allows.bibs ? bibField(view, ["bib.optional", "bib.help"], send) : nothing}
    <div class="ways">
      <button type="button" class="primary large" part="button" @click=${send}>${t("check.send")}</button>
      <button type="button" part="button" @click=${() => view.takeAnother()}>
        ${t(view.fromFile ? "check.another_file" : "check.another")}</button>
    </div>
  </div>`;
}

/** HEIC outside Safari, for one: the server reads what this browser cannot show. */
function unseen(event: Event): void {
  const image = event.target as HTMLElement;
  image.hidden = true;
  if (image.nextElementSibling instanceof HTMLElement) image.nextElementSibling.hidden = false;
}

type Waiting = Extract<Screen, { at: "sending" | "reading" }>;

export function sendingScreen(view: View, screen: Waiting): TemplateResult {
  const { t } = view;
  const { title, text } = words(view, screen);
  const waits = screen.phase === "queued" || screen.phase === "retrying" || screen.phase === "offline";
  return html`<div class="narrow sending">
    ${
      view.selfieUrl && screen.at === "sending"
        ? html`<div class="ring"><img class="selfie" src=${view.selfieUrl} alt="" @error=${(event: Event) => (event.target as Element).remove()} />${spinner()}</div>`
        : html`<div class="ring plain">${spinner()}</div>`
    }
    ${heading(view, title)}
    <p class="muted" role="status">${text}</p>
    <div class="ways">
      ${
        waits && screen.phase !== "queued"
          ? html`<button type="button" part="button" @click=${() => view.dispatch({ type: "retry" })}>${t("retry")}</button>`
          : nothing
      }
      <button type="button" class="quiet" part="button" @click=${() => view.dispatch({ type: "cancel" })}>${t("cancel")}</button>
    </div>
  </div>`;
}

function words({ t, now, state }: View, screen: Waiting): { title: string; text: string } {
  const bib = isBib(state.requestId) && state.requestId;
  switch (screen.phase) {
    case "queued": {
      const n = Math.max(1, Math.ceil(((screen.until ?? now) - now) / 1000));
      return { title: t("send.queued_title"), text: t("send.queued", { n }) };
    }
    case "retrying":
      return { title: t("send.retrying_title"), text: t("send.retrying") };
    case "offline":
      return { title: t("send.offline_title"), text: t("send.offline") };
    case "slow":
      return { title: t("send.title"), text: t("send.slow") };
    case "sending":
      if (bib) return { title: t("bib.title", { bib }), text: t("send.looking") };
      return { title: t("send.title"), text: t(screen.at === "reading" ? "send.reading" : "send.looking") };
  }
}
