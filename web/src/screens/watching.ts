/** "Keep looking for me": the way to it below the results, and the sheet that asks for the guest's consent. */
import { html, nothing, type TemplateResult } from "lit";
import type { Result } from "../flow.ts";
import { sheet, type View } from "./view.ts";

/** What stands where the results say that photos still arrive. */
export function watching(view: View, result: Result): TemplateResult | typeof nothing {
  const { t, state } = view;
  const until = result.later?.until;
  if (until) return html`<p slot="watch" class="watching">${untilText(view, until)}</p>`;
  if (!state.event?.allows.watch || view.kiosk) return nothing;
  return html`<button slot="watch" type="button" part="button" @click=${() => view.show("watch")}>${t("watch.do")}</button>`;
}

export function watchSheet(view: View): TemplateResult | typeof nothing {
  const { t, state } = view;
  const { result, event } = state;
  if (!result || !event) return nothing;
  const close = () => view.show(null);
  const until = result.later?.until;
  if (until)
    return sheet(view, t("watch.do"), html`<p role="status">${untilText(view, until)} ${t("watch.end")}</p>`, close);
  const { watch, selfie } = result;
  const n = event.allows.watch_days;
  const asks = watch === "asking";
  const problem = watch === "no_face" || watch === "failed" ? t(`watch.${watch}`) : null;
  const body = html`<p>${t("watch.text", { n })} ${t("watch.end")}</p>
    <label class="tick">
      <input type="checkbox" .checked=${watch !== "no"} ?disabled=${asks}
        @change=${(change: Event) => view.dispatch({ type: "watch-agreed", given: (change.target as HTMLInputElement).checked })} />
      <span>${t("watch.agree", { n })}</span>
    </label>
    ${selfie ? nothing : html`<p class="small muted">${t("watch.selfie")}</p>`}
    ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}`;
  const action = html`<button type="button" class="primary" ?disabled=${watch === "no" || asks} @click=${() => view.keepLooking()}>
    ${t(asks ? "watch.asking" : selfie ? "watch.start" : "start.file")}</button>`;
  return sheet(view, t("watch.do"), body, close, action);
}

const untilText = (view: View, until: string) => view.t("watch.until", { date: view.speech.date(until) });
