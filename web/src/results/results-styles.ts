import { css } from "lit";

export const resultsStyles = css`
  :host { display: block; max-inline-size: 1600px; margin-inline: auto; }
  h1 { padding-block: 6px; }
  .bar {
    position: sticky; z-index: 3; inset-block-start: -56px; display: grid; gap: 0 16px; padding-block-end: 10px; background: var(--paper);
  }
  .bar h1 { display: flex; align-items: center; min-block-size: 56px; }
  .acts { display: flex; align-items: center; gap: 8px; min-block-size: 52px; min-inline-size: 0; padding-block-start: 8px; }
  .acts .push { margin-inline-start: auto; }
  .count { font-weight: 600; white-space: nowrap; }
  .acts .icon { font-size: 1.125rem; border-radius: 50%; }
  .selecting > .icon { margin-inline-start: -10px; }
  .todo { display: flex; gap: 8px; }
  section + section { margin-block-start: 28px; }
  section h2 { padding-block: 4px 10px; }
  .new h2::before {
    content: ""; display: inline-block; inline-size: 10px; block-size: 10px; margin-inline-end: 8px; border-radius: 50%; background: var(--accent);
  }
  /* A background, not an element: what comes takes its place, and nothing has moved. */
  .more { padding-block-end: 150px; background: linear-gradient(transparent, var(--fill)) bottom / 100% 150px no-repeat; }
  .arriving {
    display: flex; flex-wrap: wrap; align-items: center; gap: 10px 16px; margin-block: 28px 12px; padding: 14px 18px;
    border-radius: var(--radius); background: var(--sunken);
  }
  .arriving p { flex: 1 1 16em; }
  .empty { display: grid; justify-items: center; gap: 14px; padding: 12vh 16px; text-align: center; }
  .empty .picture { font-size: 3rem; line-height: 1; }
  ::slotted(form) { max-inline-size: 400px; margin-block: 6px; }
  .empty .buttons { display: flex; flex-wrap: wrap; justify-content: center; gap: 10px; margin-block-start: 6px; }
  .toast {
    position: fixed; z-index: 100001; inset: auto 0 max(24px, env(safe-area-inset-bottom)); margin-inline: auto; inline-size: fit-content;
    max-inline-size: calc(100% - 32px); padding: 10px 18px; border-radius: 999px; background: var(--ink); color: var(--paper); font-weight: 500;
    border: 0; pointer-events: none; animation: appear 160ms ease-out;
  }
  @keyframes appear { from { opacity: 0; } }
  @media (max-width: 639px) {
    .selecting { padding-block-end: 0; }
    .todo {
      position: fixed; z-index: 4; inset: auto 0 0; padding: 10px 16px max(10px, env(safe-area-inset-bottom)); background: var(--raised);
      box-shadow: 0 -1px 0 var(--line), 0 -8px 24px rgb(0 0 0 / .12);
    }
    .todo button { flex: 1; }
    :host([selecting]) { padding-block-end: 80px; }
    :host([selecting]) .toast { inset-block-end: calc(80px + env(safe-area-inset-bottom)); }
  }
  @media (min-width: 640px) {
    .bar { grid-template-columns: auto 1fr; align-items: center; inset-block-start: 0; padding-block: 8px 12px; }
    .acts { padding-block-start: 0; }
    .acts:not(.selecting) { justify-content: flex-end; }
    .acts .push { margin-inline-start: 0; }
    .selecting { justify-content: flex-end; }
  }
`;
