/** The screens' layout: one column on a phone, the cover beside the text on a desktop. */
import { css } from "lit";

export const screenStyles = css`
  .root { min-block-size: var(--face-search-height, auto); }
  .big { min-block-size: 52px; font-size: 1.0625rem; inline-size: 100%; }
  .title { font-size: clamp(1.5rem, 1.2rem + 1.4vw, 2.25rem); font-weight: 700; }
  .title:focus, h2:focus { outline: none; }
  .lead { font-size: 1.1875rem; font-weight: 600; line-height: 1.35; }
  .actions { display: flex; flex-wrap: wrap; gap: 10px; justify-content: center; align-items: center; }
  .actions.start { justify-content: flex-start; }
  .sheet .actions { justify-content: flex-end; }
  .link { min-block-size: 44px; min-inline-size: 44px; padding: 0 0.25em; margin: -10px -0.25em; background: none; font-weight: 500; text-decoration: underline; text-underline-offset: 0.2em; border-radius: 6px; }
  .icon { flex: none; }

  .start { display: grid; max-inline-size: 34rem; margin-inline: auto; padding: max(16px, env(safe-area-inset-top)) 20px max(24px, env(safe-area-inset-bottom)); gap: 22px; }
  .cover { inline-size: 100%; block-size: auto; aspect-ratio: 16 / 9; object-fit: cover; border-radius: var(--radius); background: var(--sunken); }
  .panel { display: grid; gap: 22px; align-content: start; min-inline-size: 0; }
  .panel header, .pitch { display: grid; gap: 6px; }
  .note { display: flex; gap: 10px; align-items: center; padding: 12px 16px; border-radius: var(--radius); background: var(--sunken); font-weight: 600; }
  .agreement { display: grid; gap: 10px; }
  .consent { display: grid; grid-template-columns: auto 1fr; gap: 12px; align-items: start; min-block-size: 44px; padding: 14px 16px; border-radius: var(--radius); background: var(--sunken); cursor: pointer; }
  .consent span { white-space: pre-line; overflow-wrap: anywhere; }
  .consent input { inline-size: 24px; block-size: 24px; margin: 0; accent-color: var(--accent); }
  .consent.wanted { box-shadow: inset 0 0 0 2px var(--danger); }
  .wanted-text { color: var(--danger); font-weight: 600; }
  .ways { display: grid; gap: 10px; }
  .ways p:empty { display: none; }
  .drop { display: none; text-align: center; }
  .dropping .panel { outline: 3px dashed var(--accent); outline-offset: 12px; border-radius: var(--radius); }
  .yours { display: grid; gap: 8px; }
  .yours ul { display: grid; gap: 8px; }
  .yours button { inline-size: 100%; justify-content: space-between; flex-wrap: wrap; padding-block: 0.7em; border-radius: var(--radius); background: var(--sunken); text-align: start; }
  .phone { display: none; gap: 16px; align-items: center; }
  .phone img { background: #fff; padding: 8px; border-radius: 10px; }
  .warning { display: grid; gap: 10px; padding: 14px 16px; border-radius: var(--radius); background: var(--warn); color: var(--warn-ink); }
  .warning .quiet { color: inherit; }
  footer { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 20px; padding-block-start: 14px; border-block-start: 1px solid var(--line); }
  footer .link { margin-block: 0; }
  select { min-block-size: 44px; padding: 0 10px; border: 1px solid var(--line); border-radius: 10px; background: var(--paper); color: inherit; font: inherit; }

  .centre { min-block-size: min(85dvh, 46rem); display: grid; place-content: center; justify-items: center; gap: 14px; padding: 24px 20px; text-align: center; }
  .words { display: grid; gap: 14px; justify-items: center; max-inline-size: 30rem; inline-size: 100%; }
  .words > .icon { inline-size: 60px; block-size: 60px; color: var(--muted); stroke-width: 1.5; }
  .words .actions { margin-block-start: 10px; inline-size: 100%; max-inline-size: 22rem; }
  .centre.sending { gap: 12px; }
  .sending .actions { margin-block-start: 14px; }
  .steps { display: grid; min-block-size: 3em; align-content: start; }
  .second { animation: come 0.4s 1.5s backwards; }
  .scan { inline-size: 132px; block-size: 132px; margin-block-end: 12px; padding: 8px; border-radius: 50%; position: relative; }
  .scan::before { content: ""; position: absolute; inset: 0; border-radius: 50%; border: 4px solid var(--fill); border-block-start-color: var(--accent); animation: turn 1.1s linear infinite; }
  .scan.still::before { animation: none; border-block-start-color: var(--fill); }
  .selfie { inline-size: 100%; block-size: 100%; object-fit: cover; border-radius: 50%; background: var(--sunken); }
  @keyframes turn { to { rotate: 1turn; } }
  @keyframes come { from { opacity: 0; } }

  dialog.stage { position: fixed; inset: 0; inline-size: 100vw; max-inline-size: none; block-size: 100dvh; max-block-size: none; margin: 0; border-radius: 0; background: var(--paper); overflow: hidden auto; }
  .check { min-block-size: 100%; display: grid; grid-template-rows: auto 1fr; }
  .check .bar { padding: max(8px, env(safe-area-inset-top)) 8px 0; }
  .check .words { align-content: center; margin-inline: auto; max-inline-size: 24rem; padding: 0 20px max(24px, env(safe-area-inset-bottom)); text-align: center; }
  .check .selfie { inline-size: min(60vw, 240px); block-size: auto; aspect-ratio: 1; margin-block-end: 10px; }
  .check .title { font-size: 1.375rem; margin-block-end: 10px; }
  .unseen-text { display: none; justify-items: center; gap: 10px; padding: 28px; border-radius: var(--radius); background: var(--sunken); }
  .check.unseen .unseen-text { display: grid; }
  .check.unseen .selfie { display: none; }

  .strip { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 10px 20px; margin: 12px auto 4px; inline-size: calc(100% - 32px); max-inline-size: 1568px; padding: 14px 16px; border-radius: var(--radius); background: var(--sunken); }

  @media (min-width: 640px) {
    dialog.stage { inset: 0; margin: auto; inline-size: min(640px, 96vw); block-size: min(760px, 94dvh); border-radius: calc(var(--radius) * 1.5); }
  }
  @media (hover: hover) and (pointer: fine) {
    .drop { display: block; }
    .phone { display: flex; }
    .ways { grid-auto-flow: row; }
  }
  @media (min-width: 900px) {
    .start.covered { grid-template-columns: minmax(0, 1fr) minmax(0, 480px); max-inline-size: 1240px; gap: 56px; align-items: center; min-block-size: 100dvh; padding: 40px 48px; }
    .start.covered .cover { aspect-ratio: 4 / 3; max-block-size: 78dvh; }
    .start:not(.covered) { padding-block-start: 8vh; }
  }
`;
