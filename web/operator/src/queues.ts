/** `<operator-queues>`: how much waits, asked for again every ten seconds while somebody looks. */
import { html, LitElement, nothing } from "lit";
import { Loading } from "./api.ts";
import { count, duration, UNKNOWN } from "./format.ts";
import { styles } from "./styles.ts";
import type { QueueDepth } from "./types.ts";

const EVERY_MILLISECONDS = 10_000;

export class OperatorQueues extends LitElement {
  static override styles = styles;
  static override properties = { local: { attribute: false } };
  declare local: boolean;
  readonly #list = new Loading<{ readonly queues: readonly QueueDepth[] }>(this);
  #timer = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#list.start("queues");
    this.#timer = window.setInterval(
      () => document.hidden || this.#list.isBusy || this.#list.start("queues", false),
      EVERY_MILLISECONDS,
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override render() {
    const list = this.#list.value;
    const problem = this.#list.problem ? html`<p class="problem note" role="alert">${this.#list.problem}</p>` : nothing;
    if (!list) return this.#list.problem ? problem : html`<p class="note" role="status">Loading queues…</p>`;
    const ages = this.local
      ? "The local store does not tell how old messages are."
      : "Ages are CloudWatch's, a minute or two old.";
    const isOld = list.queues.some((queue) => queue.waiting === null);
    return html`${problem}<div class="wide apart"><table class="cards">
      <thead><tr><th scope="col">Queue</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">In flight</th>
        <th scope="col" class="number">Delayed</th><th scope="col" class="number">Oldest message</th><th scope="col" class="number">Dead letters</th></tr></thead>
      <tbody>${list.queues.map((queue) => this.#row(queue))}</tbody></table></div>
      <p class="note">Numbers are approximate, as SQS counts, and come again every 10 s. ${ages}${isOld ? " This stack does not name all its queues: deploy it again with this version." : ""}</p>`;
  }

  #row(queue: QueueDepth) {
    return html`<tr><th scope="row">${queue.name}</th>
      <td class="number" data-label="Waiting">${count(queue.waiting)}</td>
      <td class="number" data-label="In flight">${count(queue.in_flight)}</td>
      <td class="number" data-label="Delayed">${count(queue.delayed)}</td>
      <td class="number" data-label="Oldest">${queue.oldest_seconds === null ? UNKNOWN : duration(queue.oldest_seconds)}</td>
      <td class="number" data-label="Dead letters">${queue.dead ? html`<span class="bad">${count(queue.dead)}</span>` : count(queue.dead)}</td></tr>`;
  }
}
