import { css } from "lit";

/** The panel at the bottom of the window. */
export const sheetStyles = css`
  :host {
    position: fixed; z-index: 100001; inset: auto 0 0; margin: 0; border: 0; padding: 0 12px max(12px, env(safe-area-inset-bottom));
    inline-size: 100%; max-inline-size: none; block-size: auto; max-block-size: none; background: none; overflow: visible; pointer-events: none;
    color: var(--ink);
  }
  :host(:not(:popover-open)) { display: block; }
  .panel {
    pointer-events: auto; display: grid; gap: 12px; inline-size: min(100%, 460px); max-block-size: 70vh; overflow: auto; overscroll-behavior: contain;
    margin-inline: auto; padding: 16px 18px; border-radius: calc(var(--radius) + 4px); background: var(--raised);
    box-shadow: 0 0 0 1px var(--line), 0 16px 48px rgb(0 0 0 / .3); animation: rise 200ms ease-out;
  }
  @keyframes rise { from { transform: translateY(16px); opacity: 0; } }
  .title { font-weight: 600; font-size: 1.0625rem; }
  .line { display: flex; align-items: center; justify-content: space-between; gap: 12px; }
  .numbers { font-variant-numeric: tabular-nums; }
  .buttons { display: flex; flex-wrap: wrap; gap: 8px; }
  .buttons .primary { flex: 1 1 auto; }
  .icon { margin: -8px -10px -8px 0; font-size: 1.1rem; }
  progress { appearance: none; inline-size: 100%; block-size: 8px; border: 0; border-radius: 4px; background: var(--fill); overflow: hidden; }
  progress::-webkit-progress-bar { background: var(--fill); }
  progress::-webkit-progress-value { background: var(--accent); border-radius: 4px; transition: inline-size 200ms ease; }
  progress::-moz-progress-bar { background: var(--accent); }
  .thumbs { display: flex; gap: 6px; overflow-x: auto; }
  .thumbs img, .links img { object-fit: cover; border-radius: 8px; flex: none; background: var(--fill); }
  .thumbs span { display: grid; place-items: center; min-inline-size: 64px; block-size: 64px; border-radius: 8px; background: var(--fill); padding: 4px; font-size: 0.75rem; }
  .links { display: grid; gap: 8px; }
  .links li { display: grid; grid-template-columns: 56px 1fr; align-items: center; gap: 12px; }
`;
