/** What went wrong, in words, and what to do about it. */
import { html, nothing, type TemplateResult } from "lit";
import type { Screen } from "../flow.ts";
import type { MessageKey } from "../i18n.ts";
import { heading, icon, organiserOf, type View } from "./view.ts";

type Problem = Extract<Screen, { at: "problem" }>;
type Way = "another" | "find" | "retry" | "reload" | "contact";
interface Words {
  readonly title: MessageKey;
  readonly text: MessageKey;
  readonly ways: readonly Way[];
}

const NO_FACE: Words = { title: "problem.no_face", text: "problem.no_face_text", ways: ["another"] };
const UNUSABLE: Words = { title: "problem.unusable", text: "problem.unusable_text", ways: ["another"] };
const LINK: Words = { title: "problem.link", text: "problem.link_text", ways: ["reload"] };
const ORIGIN: Words = { title: "problem.origin", text: "problem.origin_text", ways: [] };
const OFF: Words = { title: "problem.off", text: "problem.off_text", ways: ["contact"] };
const BUSY: Words = { title: "send.queued_title", text: "problem.busy_text", ways: ["retry"] };
const PASSES: Words = { title: "send.retrying_title", text: "problem.busy_text", ways: ["retry"] };

const WORDS: Partial<Record<Problem["code"], Words>> = {
  no_face: NO_FACE,
  other_person: NO_FACE,
  unusable_image: UNUSABLE,
  unknown_upload: UNUSABLE,
  too_large: UNUSABLE,
  token_unknown: LINK,
  token_expired: LINK,
  no_key: LINK,
  key_unknown: LINK,
  origin: ORIGIN,
  not_for_tokens: ORIGIN,
  wrong_organisation: ORIGIN,
  wrong_event: ORIGIN,
  scope: ORIGIN,
  event_off: OFF,
  search_off: OFF,
  no_event: OFF,
  search_over: { title: "problem.over", text: "problem.over_text", ways: ["contact"] },
  no_search: { title: "problem.no_search", text: "problem.no_search_text", ways: ["find"] },
  unfinished: { title: "problem.unfinished", text: "problem.unfinished_text", ways: ["find"] },
  quota: BUSY,
  token_quota: BUSY,
  throttled: BUSY,
  engine_busy: BUSY,
  in_progress: PASSES,
  internal: PASSES,
  network: PASSES,
  offline: { title: "send.offline_title", text: "send.offline", ways: ["retry"] },
};
const UNKNOWN: Words = { title: "problem.failed", text: "problem.busy_text", ways: ["retry", "find"] };

export const problemTitle = (view: View, { code }: Problem) => view.t((WORDS[code] ?? UNKNOWN).title);

export function problemScreen(view: View, problem: Problem): TemplateResult {
  const words = WORDS[problem.code] ?? UNKNOWN;
  return html`<div class="centre">
    <div class="words">
      ${icon(words === BUSY || words === PASSES ? "clock" : "sad")}
      ${heading(view, view.t(words.title))}
      <p class="muted">${view.t(words.text, { organiser: organiserOf(view) })}</p>
      <div class="actions">${words.ways.map((way) => button(view, way))}</div>
    </div>
  </div>`;
}

function button(view: View, way: Way): TemplateResult | typeof nothing {
  const { t } = view;
  const primary = (text: string, act: () => void) =>
    html`<button class="primary big" part="button" type="button" @click=${act}>${text}</button>`;
  switch (way) {
    case "another":
      return html`${primary(t("check.another"), () => view.takeSelfie())}
      ${
        view.cameraWish === "only"
          ? nothing
          : html`<button class="big" type="button" @click=${() => view.dispatch({ type: "choose", capture: false })}>${t("start.file")}</button>`
      }`;
    case "find":
      return primary(t("problem.find"), () => view.dispatch({ type: "cancel" }));
    case "retry":
      return primary(t("retry"), () => view.dispatch({ type: "retry" }));
    case "reload":
      return view.embedded ? nothing : primary(t("reload"), () => location.reload());
    case "contact": {
      const address = view.state.event?.privacy_url;
      if (!address) return nothing;
      return html`<a class="button big" href=${address} rel="noopener noreferrer">${t("contact", { organiser: organiserOf(view) })}</a>`;
    }
  }
}
