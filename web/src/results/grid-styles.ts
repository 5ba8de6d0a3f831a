import { css } from "lit";

export const gridStyles = css`
  :host { display: block; }
  .rows { display: grid; row-gap: var(--gap); }
  .row {
    display: flex; gap: var(--gap); block-size: var(--height);
    content-visibility: auto; contain-intrinsic-size: 100px var(--height);
  }
  .row > * { flex: none; }
  .tile {
    scroll-margin-block: 76px 96px;
    position: relative; display: block; inline-size: var(--width); block-size: var(--height); min-inline-size: 0; min-block-size: 0;
    padding: 0; border-radius: min(var(--radius), 10px); overflow: hidden; background: var(--fill); cursor: zoom-in;
    -webkit-touch-callout: none; user-select: none;
  }
  .tile:hover { filter: none !important; }
  .tile:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; box-shadow: inset 0 0 0 5px #fff; }
  .tile:focus-visible::after { content: ""; position: absolute; inset: 3px; border: 2px solid #fff; border-radius: inherit; pointer-events: none; }
  img { inline-size: 100%; block-size: 100%; object-fit: cover; clip-path: inset(0 round 0); transition: clip-path 140ms ease; }
  .failed { visibility: hidden; }
  .again { position: absolute; inset: 0; display: grid; place-items: center; font-size: 1.75rem; color: var(--muted); }
  .mark { display: none; position: absolute; inset-block-start: 0; inset-inline-start: 0; inline-size: 44px; block-size: 44px; }
  .mark::before, .mark::after { content: ""; position: absolute; }
  .mark::before {
    inset: 8px 12px 12px 8px; border-radius: 50%; border: 2px solid #fff; background: rgb(0 0 0 / .28);
    box-shadow: 0 0 4px rgb(0 0 0 / .35);
  }
  [aria-pressed="true"] .mark::before { background: var(--accent); border-color: #fff; box-shadow: 0 1px 4px rgb(0 0 0 / .4); }
  [aria-pressed="true"] .mark::after {
    inset-block-start: 14px; inset-inline-start: 17px; inline-size: 6px; block-size: 11px;
    border: solid var(--on-accent, #fff); border-width: 0 2.5px 2.5px 0; transform: rotate(45deg);
  }
  :host([selecting]) .tile { cursor: pointer; }
  :host([selecting]) .mark { display: block; }
  [aria-pressed="true"] { background: var(--line); background: color-mix(in srgb, var(--accent) 30%, var(--paper)); }
  [aria-pressed="true"] img { clip-path: inset(9px round 5px); }
  @media (hover: hover) {
    .tile:hover .mark { display: block; }
    .tile .mark:hover::before { background: rgb(0 0 0 / .5); }
    .tile[aria-pressed="true"] .mark:hover::before { background: var(--accent); }
  }
`;
