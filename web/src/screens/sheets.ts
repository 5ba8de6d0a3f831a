/** The sheets: privacy, the link of one's results, what may be missing, and the last question before deleting. */
import { html, nothing, type TemplateResult } from "lit";
import { copied } from "../copying.ts";
import { keeping } from "./start.ts";
import { closeDialog, dayIn, organiserOf, type Sheet, sheet, type View } from "./view.ts";

export function openSheet(view: View, open: Sheet | null): TemplateResult | typeof nothing {
  const { removal, event } = view.state;
  if (!event) return nothing;
  if (removal !== "no") return deletion(view);
  const close = () => view.show(null);
  switch (open) {
    case "privacy":
      return privacy(view, close);
    case "copy":
      return link(view, close);
    case "missing":
      return sheet(view, view.t("missing.title"), html`<p>${view.t("missing.text")}</p>`, close);
    case null:
      return nothing;
  }
}

function privacy(view: View, close: () => void): TemplateResult | typeof nothing {
  const { t, state } = view;
  if (!state.event) return nothing;
  const notice = state.event.privacy_url;
  const body = html`<p>${t("privacy.selfie")} ${keeping(view, state.event)}</p>
    <p>${t("privacy.link")} ${t("privacy.delete")}</p>
    ${
      notice
        ? html`<p><a href=${notice} target="_blank" rel="noopener noreferrer">${t("privacy.notice", { organiser: organiserOf(view) })}</a></p>`
        : nothing
    }`;
  return sheet(view, t("privacy.title"), body, close);
}

function link(view: View, close: () => void): TemplateResult {
  const { t, state } = view;
  const date = dayIn(view, state.event?.retention.result_days ?? 0);
  const copy = async (event: Event) => {
    const button = event.currentTarget as HTMLElement;
    if (await copied(location.href.split("#")[0] ?? "")) {
      view.say(t("copy.done"));
      button.closest("dialog")?.close();
    }
  };
  const action = html`<button class="primary" type="button" @click=${copy}>${t("copy.do")}</button>`;
  return sheet(view, t("copy.title"), html`<p>${t("copy.text", { date })}</p>`, close, action);
}

function deletion(view: View): TemplateResult {
  const { t, state } = view;
  const running = state.removal === "running";
  const cancelled = () => view.dispatch({ type: "remove-cancelled" });
  return html`<dialog class="bottom" part="sheet" aria-label=${t("delete.title")} @close=${cancelled}>
    <div class="sheet">
      <h2 tabindex="-1">${t("delete.title")}</h2>
      <p>${t("delete.text", { organiser: organiserOf(view) })}</p>
      ${state.removal === "failed" ? html`<p class="wanted-text" role="alert">${t("delete.failed")}</p>` : nothing}
      <div class="actions">
        <button class="danger" type="button" ?disabled=${running} @click=${() => view.dispatch({ type: "remove-confirmed" })}>
          ${t(running ? "delete.running" : "delete.do")}
        </button>
        <button type="button" ?disabled=${running} @click=${closeDialog}>${t("cancel")}</button>
      </div>
    </div>
  </dialog>`;
}
