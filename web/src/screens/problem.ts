/** What went wrong, in words for guests, and the way on. */
import { html, nothing, type TemplateResult } from "lit";
import type { Screen } from "../flow.ts";
import type { MessageKey } from "../i18n.ts";
import { takes } from "./start.ts";
import { heading, icon, organiserOf, type View } from "./view.ts";

type Problem = Extract<Screen, { at: "problem" }>;
type Way = "another" | "find" | "retry" | "reload" | "contact";

interface Words {
  readonly title: MessageKey;
  readonly text: MessageKey;
  readonly ways: readonly Way[];
}

const LINK: Words = { title: "problem.link", text: "problem.link_text", ways: ["reload"] };
const OFF: Words = { title: "problem.off", text: "problem.off_text", ways: ["reload"] };
const UNUSABLE: Words = { title: "problem.unusable", text: "problem.unusable_text", ways: ["another"] };
const BUSY: Words = { title: "send.queued_title", text: "problem.busy_text", ways: ["retry"] };
const FAILED: Words = { title: "problem.failed", text: "problem.busy_text", ways: ["retry"] };

const WORDS: Partial<Record<Problem["code"], Words>> = {
  no_face: { title: "problem.no_face", text: "problem.no_face_text", ways: ["another"] },
  other_person: UNUSABLE,
  unusable_image: UNUSABLE,
  unknown_upload: UNUSABLE,
  too_large: UNUSABLE,
  invalid: UNUSABLE,
  token_unknown: LINK,
  token_expired: LINK,
  no_event: LINK,
  wrong_event: LINK,
  wrong_organisation: LINK,
  key_unknown: LINK,
  no_key: LINK,
  scope: LINK,
  not_for_tokens: LINK,
  origin: { title: "problem.origin", text: "problem.origin_text", ways: [] },
  event_off: OFF,
  search_off: OFF,
  search_over: { title: "problem.over", text: "problem.over_text", ways: ["contact"] },
  no_search: { title: "problem.no_search", text: "problem.no_search_text", ways: ["find"] },
  unfinished: { title: "problem.unfinished", text: "problem.unfinished_text", ways: ["another"] },
  quota: BUSY,
  token_quota: BUSY,
  throttled: BUSY,
  engine_busy: BUSY,
  in_progress: BUSY,
  offline: { title: "send.offline_title", text: "send.offline", ways: ["retry"] },
};

export function problemScreen(view: View, screen: Problem): TemplateResult {
  const words = WORDS[screen.code] ?? FAILED;
  const { t } = view;
  return html`<div class="narrow trouble">
    <div class="sign" aria-hidden="true">${icon(screen.code === "no_face" ? "face" : "sad")}</div>
    <div role="alert">
      ${heading(view, t(words.title))}
      <p class="muted">${t(words.text, { organiser: organiserOf(view) })}</p>
    </div>
    <div class="ways">${words.ways.map((way) => button(view, way))}</div>
  </div>`;
}

function button(view: View, way: Way): TemplateResult | typeof nothing {
  const { t } = view;
  const primary = (text: string, act: () => void) =>
    html`<button type="button" class="primary large" part="button" @click=${act}>${text}</button>`;
  switch (way) {
    case "another":
      return takes(view);
    case "find":
      return primary(t("problem.find"), () => view.dispatch({ type: "again" }));
    case "retry":
      return primary(t("retry"), () => view.dispatch({ type: "retry" }));
    case "reload":
      return primary(t("reload"), () => location.reload());
    case "contact": {
      const url = view.state.event?.privacy_url;
      return url
        ? html`<a class="button" href=${url} target="_blank" rel="noopener noreferrer">${t("contact", { organiser: organiserOf(view) })}</a>`
        : nothing;
    }
  }
}
