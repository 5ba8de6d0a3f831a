/** The look: design tokens on the element, which every part inherits, and the few styles that parts share. */
import { css, unsafeCSS } from "lit";

const LIGHT = `
  --ink: #17181c; --muted: #5c5f69; --paper: #ffffff; --raised: #ffffff; --sunken: #f4f4f6; --line: #dcdde3;
  --fill: #ececf0; --danger: #b3261e; --warn-ink: #6b4100; --warn: #fff3dc; --shade: rgb(12 12 16 / .55); color-scheme: light;`;
const DARK = `
  --ink: #f3f3f6; --muted: #a9acb8; --paper: #121316; --raised: #1c1d22; --sunken: #1a1b1f; --line: #34363f;
  --fill: #2a2b32; --danger: #ff8a80; --warn-ink: #ffd79a; --warn: #35280f; --shade: rgb(0 0 0 / .7); color-scheme: dark;`;

/**
 * Of `<face-search>` alone. A site may set `--face-search-accent`, `-radius`, `-font` and `-row-height`.
 * `--accent` fills buttons; `--on-accent` is the text on it; `--accent-ink` is the accent as text on paper.
 */
export const tokens = css`
  :host {
    ${unsafeCSS(LIGHT)}
    --accent: var(--face-search-accent, var(--event-accent, #2f5bea));
    --on-accent: var(--event-on-accent, #fff);
    --radius: var(--face-search-radius, 14px);
    --row-height: var(--face-search-row-height);
    --gap: 6px;
    --focus: 3px solid var(--ink);
    font-family: var(--face-search-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans Devanagari", sans-serif);
    line-height: 1.5;
    color: var(--ink);
    background: var(--paper);
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) {
      ${unsafeCSS(DARK)}
    }
  }
  :host([theme="dark"]) {
    ${unsafeCSS(DARK)}
  }
`;

/** Of every part: reset, text, buttons, fields, sheets. */
export const shared = css`
  *, ::before, ::after { box-sizing: border-box; }
  [hidden] { display: none !important; }
  :host { display: block; }
  h1, h2, p, ul, ol, figure, dl, dd { margin: 0; padding: 0; }
  h1, h2 { line-height: 1.2; text-wrap: balance; letter-spacing: -0.01em; overflow-wrap: anywhere; }
  h1:focus { outline: none; }
  h1 { font-size: clamp(1.5rem, 1.2rem + 1.4vw, 2.25rem); font-weight: 700; }
  h2 { font-size: 1.125rem; font-weight: 600; }
  p { text-wrap: pretty; overflow-wrap: anywhere; }
  ul, ol { list-style: none; }
  img, svg, video { display: block; max-inline-size: 100%; }
  a { color: inherit; text-underline-offset: 0.18em; }
  :focus-visible { outline: var(--focus); outline-offset: 2px; }
  .muted { color: var(--muted); }
  .small { font-size: 0.875rem; }
  .visually-hidden {
    position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
  }
  button, .button {
    appearance: none; display: inline-flex; align-items: center; justify-content: center; gap: 0.5em;
    min-block-size: 44px; min-inline-size: 44px; padding: 0.5em 1.15em; border: 0; border-radius: 999px;
    background: var(--fill); color: var(--ink); font: inherit; font-weight: 600; text-align: center; text-decoration: none;
    cursor: pointer; touch-action: manipulation; -webkit-tap-highlight-color: transparent;
  }
  button.primary, .button.primary { background: var(--accent); color: var(--on-accent); }
  button.quiet, .button.quiet { background: none; text-decoration: underline; text-underline-offset: 0.2em; font-weight: 500; }
  button.danger { background: none; color: var(--danger); }
  button.icon { padding: 0; inline-size: 44px; background: none; }
  button:disabled, .button[aria-disabled="true"] { opacity: 0.5; cursor: default; }
  @media (hover: hover) {
    button:not(:disabled):hover, .button:not([aria-disabled="true"]):hover { filter: brightness(0.95); }
  }
  dialog {
    border: 0; padding: 0; color: var(--ink); background: var(--raised); inline-size: min(100%, 480px); max-inline-size: 100%;
    max-block-size: 85dvh; overflow: auto; border-radius: var(--radius); overscroll-behavior: contain;
  }
  dialog::backdrop { background: var(--shade); }
  .sheet { padding: 24px; display: grid; gap: 14px; }
  @media (max-width: 639px) {
    dialog.bottom { margin: auto 0 0; inline-size: 100%; border-end-start-radius: 0; border-end-end-radius: 0; }
    dialog.bottom .sheet { padding-block-end: max(24px, env(safe-area-inset-bottom)); }
  }
  @media (prefers-reduced-motion: reduce) {
    *, ::before, ::after { animation-duration: 0.01ms !important; animation-iteration-count: 1 !important; transition-duration: 0.01ms !important; scroll-behavior: auto !important; }
  }
`;
