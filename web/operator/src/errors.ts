/** `<operator-errors>`: the last errors and warnings of the stack's logs, which name nobody. */
import { css, html, LitElement, nothing } from "lit";
import { Loading } from "./api.ts";
import { ago, several, time } from "./format.ts";
import { styles } from "./styles.ts";
import type { LastErrors, LogLine } from "./types.ts";

export class OperatorErrors extends LitElement {
  static override styles = [
    ...styles,
    css`
      ul { border: 1px solid var(--line); border-radius: 10px; }
      li { display: grid; grid-template-columns: 9rem 7rem 6rem 1fr; gap: 4px 16px; padding: 10px 14px; border-block-end: 1px solid var(--line); }
      li:last-child { border: 0; }
      .said { min-inline-size: 0; }
      pre { margin: 8px 0 0; padding: 10px; overflow-x: auto; background: var(--sunken); border-radius: 6px; font-size: 0.75rem; }
      @media (max-width: 799px) { li { grid-template-columns: auto auto 1fr; } .said { grid-column: 1 / -1; } }
    `,
  ];
  readonly #list = new Loading<LastErrors>(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.#list.start("logs");
  }

  override render() {
    const list = this.#list.value;
    return html`<p class="note bar">
      <button ?disabled=${this.#list.isBusy} @click=${() => this.#list.start("logs", false)}>Load again</button>
      <span role="status">${this.#list.isBusy ? "Loading…" : list ? `${several(list.lines.length, "line")} since ${time(list.since)}${list.complete ? "" : ". There are more than are shown"}.` : ""}</span></p>
      ${this.#list.problem ? html`<p class="problem note" role="alert">${this.#list.problem}</p>` : nothing}
      ${list ? html`<div class="apart">${list.lines.length ? html`<ul>${list.lines.map((line) => this.#line(line))}</ul>` : html`<p class="empty">No errors and no warnings.</p>`}</div>` : nothing}`;
  }

  #line(line: LogLine) {
    const named = (values: Readonly<Record<string, unknown>>) =>
      Object.entries(values).map(([name, value]) => html`<span class="muted">${name}</span> ${String(value)} `);
    return html`<li>
      <span title=${time(line.at)}>${ago(line.at)}</span>
      <span>${line.function || "unknown"}</span>
      <span><span class="pill ${line.level === "WARNING" ? "warn" : "bad"}">${line.level.toLowerCase()}</span></span>
      <div class="said"><strong>${line.message}</strong> ${named(line.details)}<div class="mono">${named(line.ids)}</div>
        ${line.stack.length ? html`<details><summary class="muted">Where it came from</summary><pre tabindex="0">${line.stack.join("\n")}</pre></details>` : nothing}</div></li>`;
  }
}
