/** S1: the event, the consent, and the way to a selfie. */
import { html, nothing, type TemplateResult } from "lit";
import { chromeAddress } from "../browsers.ts";
import { LANGUAGES, type MessageKey } from "../i18n.ts";
import { dayIn, heading, icon, organiserOf, type View } from "./view.ts";

export function startScreen(view: View): TemplateResult {
  const { state, t, speech } = view;
  const event = state.event;
  if (!event) return html`<div class="waiting">${spinner()}<p class="muted">${t("start.loading")}</p></div>`;
  const date = speech.date(event.event_date);
  const { search, bibs } = event.allows;
  const by = event.organiser ? ` · ${t("start.by", { organiser: event.organiser })}` : "";
  return html`<div class="start">
    ${cover(event.cover_image)}
    <div class="column">
      ${notice(view)}
      <slot name="heading">${heading(view, event.event_name)}<p class="muted">${date}${by}</p></slot>
      <div class="lead">
        <p class="promise">${t("start.title")}</p>
        ${search ? html`<p class="muted">${t("start.how")}</p>` : nothing}
      </div>
      ${search ? [consentBox(view), ways(view)] : nothing}
      ${bibs ? bibSearch(view) : nothing}
      ${ownSearches(view)}
      ${footer(view)}
    </div>
  </div>`;
}

function cover(url: string | null): TemplateResult {
  if (!url) return html`<div class="cover empty" aria-hidden="true">${icon("face")}</div>`;
  return html`<img class="cover" src=${url} alt="" fetchpriority="high" decoding="async" @error=${hidden} />`;
}

const hidden = (event: Event) => (event.target as HTMLElement).classList.add("gone");

function notice(view: View): TemplateResult | typeof nothing {
  const { screen } = view.state;
  const what = screen.at === "start" ? screen.notice : null;
  if (what === "deleted")
    return html`<p class="note good" role="status">${icon("check")} ${view.t("start.deleted")}</p>`;
  return nothing;
}

function consentBox(view: View): TemplateResult | typeof nothing {
  const { state, t } = view;
  const { consent, retention } = state.event ?? {};
  if (!consent || !retention) return nothing;
  const screen = state.screen;
  const missing = screen.at === "start" && (screen.notice === "consent" || screen.notice === "consent_changed");
  const days = retention.selfie_days + 1; // the bucket's lifecycle runs at midnight
  const selfie = retention.selfie_days ? t("consent.selfie", { n: days }) : t("consent.selfie_never");
  return html`<slot name="consent"></slot>
  <div class=${missing ? "consent missing" : "consent"}>
    <label class="tick">
      <input type="checkbox" required .checked=${state.consented} aria-describedby=${missing ? "about consent-problem" : "about"}
        aria-invalid=${missing ? "true" : "false"}
        @change=${(event: Event) => view.dispatch({ type: "consent", given: (event.target as HTMLInputElement).checked })} />
      <span>${consent.text ?? t("consent.sentence", { organiser: organiserOf(view) })}</span>
    </label>
    ${
      missing
        ? html`<p class="problem" id="consent-problem" role="alert">
            ${t(screen.notice === "consent_changed" ? "consent.changed" : "consent.needed")}</p>`
        : nothing
    }
    <p class="small muted" id="about">${selfie}
      ${t("consent.results", { date: dayIn(view, retention.result_days) })}
      ${retention.faces_until ? t("consent.faces", { date: view.speech.date(retention.faces_until) }) : nothing}
      <button type="button" class="link" @click=${() => view.show("privacy")}>${t("consent.details")}</button></p>
  </div>`;
}

const hasCamera = ({ cameraWish, cameraLikely }: View) => cameraWish !== "off" && cameraLikely;

/** The buttons for camera and file, where there are such and the site wants them. */
export function takes(view: View): TemplateResult {
  const { t } = view;
  const camera = hasCamera(view);
  const pick = () => view.dispatch({ type: "choose", capture: false });
  return html`${
    camera
      ? html`<button type="button" class="primary large" part="button" @click=${() => view.takeSelfie()}>
            ${icon("camera")} ${t("start.selfie")}</button>`
      : nothing
  }
    ${
      view.cameraWish !== "only"
        ? html`<button type="button" class=${camera ? "" : "primary large"} part="button" ?disabled=${view.preparing} @click=${pick}>
            ${icon("picture")} ${view.preparing ? t("check.preparing") : t("start.file")}</button>`
        : nothing
    }`;
}

function ways(view: View): TemplateResult {
  const { t } = view;
  const hint = view.dropping ? t("start.drop_now") : t("start.drop");
  return html`<div class="ways">
    ${takes(view)}
    ${view.cameraWish === "only" ? nothing : html`<p class="small muted drop-hint">${hint}</p>`}
    ${
      view.pickerSilent
        ? html`<p class="note" role="status">${t("start.nothing_happened")} ${openElsewhere(view)}</p>`
        : nothing
    }
    ${!hasCamera(view) && view.qr ? phoneCode(view) : nothing}
  </div>`;
}

/** Search by bib: no consent is asked for, since no face is compared. `another`: one has found nothing. */
export function bibSearch(view: View, another = false): TemplateResult {
  const button = html`<button part="button">${view.t("bib.find")}</button>`;
  const words: BibWords = another ? ["bib.another", "bib.advice"] : ["bib.label", "bib.how"];
  return bibField(view, words, () => view.dispatch({ type: "find-bib" }), button);
}

type BibWords = readonly [label: MessageKey, help: MessageKey];

/** The field for the bib, whose Enter acts. No browser is to offer it to the next guest. */
export function bibField(
  view: View,
  [label, help]: BibWords,
  act: () => void,
  button?: TemplateResult,
): TemplateResult {
  const { t, state } = view;
  const submitted = (event: Event) => {
    event.preventDefault();
    act();
  };
  return html`<form class="bib" slot="bib" @submit=${submitted}>
    <label for="bib">${t(label)}</label>
    <div>
      <input id="bib" .value=${state.bib} autocomplete="off" autocapitalize="characters" spellcheck="false" enterkeyhint="search"
        aria-describedby=${state.bibWrong ? "bib-problem bib-help" : "bib-help"} aria-invalid=${state.bibWrong ? "true" : "false"}
        @input=${(event: Event) => view.dispatch({ type: "bib", typed: (event.target as HTMLInputElement).value })} />
      ${button ?? nothing}
    </div>
    ${state.bibWrong ? html`<p class="problem" id="bib-problem" role="alert">${t("bib.wrong")}</p>` : nothing}
    <p class="small muted" id="bib-help">${t(help)}</p>
  </form>`;
}

/** The code was drawn where the page was rendered. */
function phoneCode(view: View): TemplateResult {
  return html`<figure class="qr">
    <div role="img" aria-label=${view.t("start.qr_alt")}>${drawing(view.qr)}</div>
    <figcaption class="small muted">${view.t("start.qr")}</figcaption>
  </figure>`;
}

function ownSearches(view: View): TemplateResult | typeof nothing {
  if (!view.searches.length) return nothing;
  return html`<section class="yours" aria-labelledby="yours">
    <h2 id="yours">${view.t("start.yours")}</h2>
    <ul>
      ${view.searches.map(
        (search) => html`<li><button type="button" @click=${() => view.openSearch(search.id)}>
            <span>${view.t("start.found", { n: search.total ?? 0 })}</span>
            <span class="small muted">${view.speech.date(new Date(search.at).toISOString())}</span>
          </button></li>`,
      )}
    </ul>
  </section>`;
}

function footer(view: View): TemplateResult {
  const { t, speech } = view;
  const chosen = (event: Event) => view.speak((event.target as HTMLSelectElement).value);
  return html`<footer class="foot small">
    <slot name="footer"></slot>
    <button type="button" class="link" @click=${() => view.show("privacy")}>${t("start.privacy")}</button>
    <label><span class="visually-hidden">${t("start.language")}</span>
      <select @change=${chosen}>
        ${Object.entries(LANGUAGES).map(
          ([tag, name]) => html`<option value=${tag} lang=${tag} ?selected=${tag === speech.language}>${name}</option>`,
        )}
      </select>
    </label>
  </footer>`;
}

/** Of an app's built-in browser: where the camera and saving do not work, said before it fails. */
export function banner(view: View): TemplateResult | typeof nothing {
  const { app, t, state } = view;
  if (app === null || view.bannerSeen || state.screen.at === "camera") return nothing;
  return html`<aside class="banner" aria-label=${t("banner.open")}>
    <p><strong>${t("banner.app", { app: app || t("banner.this_app") })}</strong> ${t("banner.ios")}</p>
    <div class="actions">
      ${openElsewhere(view)}
      <button type="button" @click=${() => view.show("copy")}>${t("copy.do")}</button>
      <button type="button" class="quiet" @click=${() => view.dismissBanner()}>${t("banner.stay")}</button>
    </div>
  </aside>`;
}

function openElsewhere(view: View): TemplateResult | typeof nothing {
  const address = chromeAddress(location.href);
  return address ? html`<a class="button" href=${address}>${view.t("banner.open")}</a>` : nothing;
}

export const spinner = (): TemplateResult => html`<span class="spinner" aria-hidden="true"></span>`;

/** An SVG text as elements; nothing of it can run, and nothing but an SVG comes of it. */
function drawing(svg: string): Element | null {
  const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
  return documentElement.localName === "svg" ? documentElement : null;
}
