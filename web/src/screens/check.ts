/** S3: the picture once more, before it is sent. */
import { html, nothing, type TemplateResult } from "lit";
import { hasCameraAccess } from "../camera.ts";
import { icon, type View } from "./view.ts";

export function checkScreen(view: View): TemplateResult {
  const { t } = view;
  const takes = view.cameraWish !== "off" && (hasCameraAccess() || view.app !== null);
  const close = () => view.dispatch({ type: "close" });
  const unseen = (event: Event) => (event.target as Element).closest(".check")?.classList.add("unseen");
  return html`<div class="check">
    <div class="bar"><button class="icon" type="button" aria-label=${t("back")} @click=${close}>${icon("back")}</button></div>
    <div class="words">
      <img class="selfie" src=${view.selfieUrl ?? ""} alt=${t("check.alt")} @error=${unseen} />
      <p class="unseen-text muted">${icon("picture")}${t("check.unseen")}</p>
      <h2 class="title" tabindex="-1">${t("check.title")}</h2>
      <button class="primary big" part="button" type="button" @click=${() => view.dispatch({ type: "send", requestId: view.newRequestId() })}>
        ${t("check.send")}
      </button>
      ${takes ? html`<button class="big" part="button" type="button" @click=${() => view.takeSelfie()}>${t("check.another")}</button>` : nothing}
      ${
        view.cameraWish === "only"
          ? nothing
          : html`<button class=${takes ? "quiet" : "big"} part="button" type="button" @click=${() => view.dispatch({ type: "choose", capture: false })}>
            ${t("check.another_file")}
          </button>`
      }
    </div>
  </div>`;
}
