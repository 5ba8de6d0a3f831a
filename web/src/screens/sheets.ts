/** The sheets that lie over a screen: privacy, the link, what may be missing, deleting. */
import { html, nothing, type TemplateResult } from "lit";
import { isBib } from "../bib.ts";
import { copied } from "../copying.ts";
import { dayIn, organiserOf, type Sheet, sheet, type View } from "./view.ts";
import { watchSheet } from "./watching.ts";

export function openSheet(view: View, which: Sheet | null): TemplateResult | typeof nothing {
  switch (which) {
    case "privacy":
      return privacy(view);
    case "copy":
      return copy(view);
    case "missing":
      return sheet(view, view.t("missing.title"), html`<p>${view.t("missing.text")}</p>`, () => view.show(null));
    case "watch":
      return watchSheet(view);
    case null:
      return view.state.removal === "no" ? nothing : removal(view);
  }
}

function privacy(view: View): TemplateResult {
  const { t, state, speech } = view;
  const event = state.event;
  if (!event) return html``;
  const { selfie_days, result_days, faces_until } = event.retention;
  const organiser = organiserOf(view);
  const body = html`<ul class="points">
      <li>${t("privacy.selfie")}</li>
      <li>${selfie_days ? t("consent.selfie", { n: selfie_days + 1 }) : t("consent.selfie_never")}</li>
      <li>${t("consent.results", { date: dayIn(view, result_days) })} ${t("privacy.link")}</li>
      ${faces_until ? html`<li>${t("consent.faces", { date: speech.date(faces_until) })}</li>` : nothing}
      <li>${t("privacy.delete")}</li>
      ${event.allows.bibs ? html`<li>${t("privacy.bib")}</li>` : nothing}
    </ul>
    ${
      event.privacy_url
        ? html`<p><a href=${event.privacy_url} target="_blank" rel="noopener noreferrer">${t("privacy.notice", { organiser })}</a></p>`
        : nothing
    }`;
  return sheet(view, t("privacy.title"), body, () => view.show(null));
}

function copy(view: View): TemplateResult {
  const { t, state } = view;
  const days = state.event?.retention.result_days ?? 0;
  const put = async () => {
    if (await copied(location.href.split("#", 1)[0] ?? "")) view.say(t("copy.done"));
    view.show(null);
  };
  const { requestId } = state;
  const warning = isBib(requestId) ? t("copy.bib", { bib: requestId }) : t("copy.text", { date: dayIn(view, days) });
  const text = state.result ? html`<p>${warning}</p>` : nothing;
  const action = html`<button type="button" class="primary" @click=${put}>${t("copy.do")}</button>`;
  return sheet(view, t("copy.title"), text, () => view.show(null), action);
}

function removal(view: View): TemplateResult {
  const { t, state, dispatch } = view;
  const running = state.removal === "running";
  const body = html`<p>${t("delete.text", { organiser: organiserOf(view) })}</p>
    ${state.removal === "failed" ? html`<p class="problem" role="alert">${t("delete.failed")}</p>` : nothing}`;
  const action = html`<button type="button" class="danger" ?disabled=${running} @click=${() => dispatch({ type: "remove-confirmed" })}>
    ${t(running ? "delete.running" : "delete.do")}</button>`;
  return sheet(view, t("delete.title"), body, () => dispatch({ type: "remove-cancelled" }), action);
}
