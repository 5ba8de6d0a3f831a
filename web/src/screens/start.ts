/** S1: what this is, the consent, and the way to a selfie. */
import { html, nothing, type TemplateResult } from "lit";
import { chromeAddress, isIos } from "../browsers.ts";
import { copied } from "../copying.ts";
import { LANGUAGES } from "../i18n.ts";
import type { EventPage } from "../types.ts";
import { dayIn, heading, icon, organiserOf, type View } from "./view.ts";

export function startScreen(view: View): TemplateResult {
  const { event, screen } = view.state;
  if (!event) return html`<div class="centre"><p class="muted" role="status">${view.t("start.loading")}</p></div>`;
  const notice = screen.at === "start" ? screen.notice : null;
  return html`<div class="start ${event.cover_image ? "covered" : ""} ${view.dropping ? "dropping" : ""}">
    ${event.cover_image ? html`<img class="cover" src=${event.cover_image} alt="" width="1280" height="720" fetchpriority="high" />` : nothing}
    <div class="panel">
      ${banner(view)} ${notice === "deleted" ? html`<p class="note">${icon("check")}${view.t("start.deleted")}</p>` : nothing}
      <header>
        <slot name="heading">${heading(view, event.event_name)}</slot>
        <p class="muted">${[view.speech.date(event.event_date), byline(view, event)].filter(Boolean).join(" · ")}</p>
      </header>
      ${searches(view)}
      <div class="pitch">
        <p class="lead">${view.t("start.title")}</p>
        <p class="muted">${view.t("start.how")}</p>
      </div>
      ${consent(view, event, notice === "consent" || notice === "consent_changed" ? notice : null)} ${ways(view)} ${phone(view)}
      ${foot(view)}
    </div>
  </div>`;
}

const byline = (view: View, event: EventPage) =>
  event.organiser ? view.t("start.by", { organiser: event.organiser }) : "";

function ways(view: View): TemplateResult {
  const takes = view.cameraWish !== "off";
  const chooses = view.cameraWish !== "only";
  const choose = () => view.dispatch({ type: "choose", capture: false });
  // Where no camera is known, choosing a photo is the first thing to do.
  const first = takes && view.cameraLikely ? "selfie" : "file";
  return html`<div class="ways">
    ${
      takes
        ? html`<button class=${first === "selfie" || !chooses ? "primary big" : "big"} part="button" type="button" @click=${() => view.takeSelfie()}>
          ${icon("camera")}${view.t("start.selfie")}
        </button>`
        : nothing
    }
    ${
      chooses
        ? html`<button class=${first === "file" || !takes ? "primary big" : "big"} part="button" type="button" @click=${choose}>
          ${icon("picture")}${view.t("start.file")}
        </button>`
        : nothing
    }
    ${chooses ? html`<p class="drop small muted">${view.t(view.dropping ? "start.drop_now" : "start.drop")}</p>` : nothing}
    <p class="small" role="status">${view.preparing ? view.t("check.preparing") : nothing}</p>
    ${view.pickerSilent ? html`<p class="warning" role="alert">${view.t("start.nothing_happened")} ${outside(view)}</p>` : nothing}
  </div>`;
}

function consent(view: View, event: EventPage, notice: "consent" | "consent_changed" | null): TemplateResult {
  const asked = event.consent;
  const changed = (change: Event) =>
    view.dispatch({ type: "consent", given: (change.target as HTMLInputElement).checked });
  return html`<slot name="consent"><div class="agreement">
    ${
      asked
        ? html`<label class="consent ${notice ? "wanted" : ""}">
          <input type="checkbox" id="consent" .checked=${view.state.consented} aria-describedby="keeping" @change=${changed} />
          <span>${asked.text ?? sentence(view)}</span>
        </label>`
        : nothing
    }
    ${
      notice
        ? html`<p class="wanted-text" role="alert">${view.t(notice === "consent" ? "consent.needed" : "consent.changed")}</p>`
        : nothing
    }
    <p class="small muted" id="keeping">
      ${keeping(view, event)}
      <button class="link" type="button" @click=${() => view.show("privacy")}>${view.t("consent.details")}</button>
    </p></div></slot>`;
}

/** The organiser's name stands out. */
function sentence(view: View): TemplateResult {
  const [before = "", after = ""] = view.t("consent.sentence", { organiser: "\u0001" }).split("\u0001");
  return html`${before}<strong>${organiserOf(view)}</strong>${after}`;
}

/** How long what is kept. S3 deletes at midnight, so a selfie may stay a day longer than its days. */
export function keeping(view: View, { retention }: EventPage): string {
  const { selfie_days: days, result_days, faces_until } = retention;
  const parts = [
    days > 0 ? view.t("consent.selfie", { n: days + 1 }) : view.t("consent.selfie_never"),
    view.t("consent.results", { date: dayIn(view, result_days) }),
  ];
  if (faces_until) parts.push(view.t("consent.faces", { date: view.speech.date(faces_until) }));
  return parts.join(" ");
}

function searches(view: View): TemplateResult | typeof nothing {
  if (!view.searches.length) return nothing;
  return html`<section class="yours" aria-labelledby="yours">
    <h2 id="yours">${view.t("start.yours")}</h2>
    <ul>
      ${view.searches.map(
        ({ id, at, total }) => html`<li>
          <button type="button" @click=${() => view.openSearch(id)}>
            <strong>${view.t("start.found", { n: total ?? 0 })}</strong>
            <span class="muted small">${view.speech.ago(new Date(at).toISOString())}</span>
          </button>
        </li>`,
      )}
    </ul>
  </section>`;
}

/** A machine without a camera hands over to a phone. */
function phone(view: View): TemplateResult | typeof nothing {
  if (!view.qr || view.cameraWish === "off") return nothing;
  const source = `data:image/svg+xml,${encodeURIComponent(view.qr)}`;
  return html`<div class="phone ${view.cameraLikely ? "" : "needed"}">
    <img src=${source} alt=${view.t("start.qr_alt")} width="120" height="120" />
    <p class="small">${view.t("start.qr")}</p>
  </div>`;
}

function banner(view: View): TemplateResult | typeof nothing {
  if (view.app === null || view.bannerSeen) return nothing;
  return html`<div class="warning" role="note">
    <p><strong>${view.t("banner.app", { app: view.app || view.t("banner.this_app") })}</strong></p>
    ${chromeAddress(location.href) ? nothing : html`<p>${view.t("banner.ios")}</p>`}
    <div class="actions start">
      ${outside(view)}<button class="quiet" type="button" @click=${() => view.dismissBanner()}>${view.t("banner.stay")}</button>
    </div>
  </div>`;
}

/** The ways out of an app's built-in browser. */
function outside(view: View): TemplateResult {
  const address = isIos() ? null : chromeAddress(location.href);
  const copy = async () => {
    if (await copied(location.href)) view.say(view.t("copy.done"));
  };
  return html`${address ? html`<a class="button" href=${address}>${view.t("banner.open")}</a>` : nothing}
    <button type="button" @click=${copy}>${view.t("copy.do")}</button>`;
}

function foot(view: View): TemplateResult {
  const chosen = (change: Event) => view.speak((change.target as HTMLSelectElement).value);
  return html`<footer>
    <button class="link" type="button" @click=${() => view.show("privacy")}>${view.t("start.privacy")}</button>
    <label>
      <span class="visually-hidden">${view.t("start.language")}</span>
      <select @change=${chosen}>
        ${Object.entries(LANGUAGES).map(
          ([code, name]) =>
            html`<option value=${code} lang=${code} ?selected=${code === view.speech.language}>${name}</option>`,
        )}
      </select>
    </label>
    <slot name="footer"></slot>
  </footer>`;
}
