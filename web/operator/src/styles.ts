/** The view's look: the guests' colours, set as dense as a table wants it. */
import { css } from "lit";
import { tokens } from "../../src/styles.ts";

const screen = css`
  *, ::before, ::after { box-sizing: border-box; }
  [hidden] { display: none !important; }
  :host { display: block; font-size: 0.875rem; line-height: 1.45; --ok: #146336; background: none; }
  @media (prefers-color-scheme: dark) { :host { --ok: #6fd39b; --accent: #7d9bff; } }
  h1, h2, p, ul, dl, dd, ol { margin: 0; padding: 0; }
  ul, ol { list-style: none; }
  h1 { font-size: 1.25rem; line-height: 1.25; letter-spacing: -0.01em; overflow-wrap: anywhere; }
  h1:focus { outline: none; }
  h2 { font-size: 0.875rem; }
  a { color: inherit; text-underline-offset: 0.18em; text-decoration-color: color-mix(in srgb, currentcolor 40%, transparent); }
  a:hover { text-decoration-color: currentcolor; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
  .muted { color: var(--muted); }
  .bad { color: var(--danger); font-weight: 600; }
  .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.8125rem; overflow-wrap: anywhere; }
  .head { display: flex; flex-wrap: wrap; align-items: end; justify-content: space-between; gap: 8px 24px; margin-block-end: 16px; }
  .head p { margin-block-start: 2px; }
  .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; }
  .note { color: var(--muted); margin-block-start: 12px; max-inline-size: 75ch; }
  .apart { margin-block-start: 16px; }
  input { max-inline-size: 100%; }
  .problem { padding: 10px 14px; border-radius: 8px; background: var(--warn); color: var(--warn-ink); max-inline-size: 75ch; overflow-wrap: anywhere; }
  .empty { padding: 32px 16px; text-align: center; color: var(--muted); border: 1px dashed var(--line); border-radius: 10px; }
  button, .button, input {
    font: inherit; min-block-size: 34px; padding: 0 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--raised); color: var(--ink);
  }
  button, .button { display: inline-flex; align-items: center; gap: 6px; font-weight: 500; cursor: pointer; text-decoration: none; }
  button:hover:not(:disabled), .button:hover { background: var(--fill); }
  button:disabled { opacity: 0.5; cursor: default; }
  input::placeholder { color: var(--muted); opacity: 1; }
  label { display: inline-flex; align-items: center; gap: 8px; }
  .wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; }
  table { inline-size: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
  th { text-align: start; font-weight: 500; color: var(--muted); background: var(--sunken); white-space: nowrap; }
  th, td { padding: 9px 14px; border-block-end: 1px solid var(--line); vertical-align: top; }
  tbody tr:last-child > * { border-block-end: 0; }
  tbody tr:hover > * { background: var(--sunken); }
  tbody th { color: var(--ink); background: none; white-space: normal; }
  .number { text-align: end; white-space: nowrap; }
  .pill { display: inline-block; padding: 1px 8px; border-radius: 999px; background: var(--fill); font-size: 0.75rem; font-weight: 600; white-space: nowrap; }
  .pill.bad { background: color-mix(in srgb, var(--danger) 14%, transparent); }
  .pill.warn { background: var(--warn); color: var(--warn-ink); }
  .pill.ok { color: var(--ok); background: color-mix(in srgb, var(--ok) 14%, transparent); }
  .tabs { display: inline-flex; padding: 2px; gap: 2px; border-radius: 10px; background: var(--fill); }
  .tabs a { padding: 5px 12px; border-radius: 8px; text-decoration: none; color: var(--muted); font-weight: 500; }
  .tabs a:hover { color: var(--ink); }
  .tabs a[aria-current] { background: var(--raised); color: var(--ink); box-shadow: 0 1px 2px rgb(0 0 0 / 0.14); }
  .visually-hidden { position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  @media (max-width: 639px) {
    button, .button, input { min-block-size: 44px; }
    .tabs a { padding: 11px 14px; }
    table.cards thead { display: none; }
    table.cards, table.cards tbody { display: block; }
    table.cards tr { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 12px; padding: 12px 14px; border-block-end: 1px solid var(--line); }
    table.cards tr:last-child { border-block-end: 0; }
    table.cards th, table.cards td { display: block; padding: 0; border: 0; text-align: start; white-space: normal; }
    table.cards th, table.cards td.full { grid-column: 1 / -1; }
    table.cards td[data-label]::before { content: attr(data-label) " "; color: var(--muted); }
  }
`;

export const styles = [tokens, screen];
