import { css } from "lit";

/** Of all screens but the camera's and the results'. */
export const screenStyles = css`
  .shell { min-block-size: inherit; display: flex; flex-direction: column; background: var(--paper); border-radius: inherit; }
  .shell:has(main) { min-block-size: 100dvh; }
  .page { flex: 1; display: grid; }
  .page.in-results { display: block; padding: 0 16px 32px; }
  .large { min-block-size: 54px; font-size: 1.0625rem; }
  .icon { flex: none; inline-size: 22px; block-size: 22px; }
  button.icon { inline-size: 44px; block-size: 44px; border-radius: 50%; color: var(--ink); }
  button.link {
    display: inline; min-block-size: 24px; min-inline-size: 24px; padding: 0; background: none; border-radius: 4px; font-weight: inherit; color: inherit;
    text-decoration: underline; text-underline-offset: 0.18em;
  }
  .ways { display: grid; gap: 10px; justify-items: stretch; }
  .problem { color: var(--danger); font-weight: 600; }
  .note { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 12px 16px; border-radius: var(--radius); background: var(--warn); color: var(--warn-ink); }
  .note.good { flex-wrap: nowrap; background: var(--sunken); color: var(--ink); }
  .waiting { display: grid; place-content: center; justify-items: center; gap: 14px; min-block-size: 60dvh; }

  .start { display: grid; align-content: start; }
  .cover { inline-size: 100%; aspect-ratio: 16 / 10; max-block-size: 34dvh; object-fit: cover; background: var(--sunken); }
  .cover.gone { display: none; }
  .cover.empty { display: grid; place-items: center; aspect-ratio: auto; block-size: min(112px, 14dvh); background: none; color: var(--accent-ink, var(--muted)); }
  .cover.empty .icon { inline-size: 56px; block-size: 56px; stroke-width: 1.5; }
  .column { display: grid; gap: 18px; align-content: start; padding: 22px 20px max(20px, env(safe-area-inset-bottom)); inline-size: 100%; max-inline-size: 560px; margin-inline: auto; }
  .lead { display: grid; gap: 4px; }
  .promise { font-size: 1.1875rem; font-weight: 600; line-height: 1.3; }
  .consent { display: grid; gap: 10px; padding: 14px 16px; border-radius: var(--radius); background: var(--sunken); }
  .consent.missing { box-shadow: inset 0 0 0 2px var(--danger); }
  .tick { display: grid; grid-template-columns: 24px 1fr; gap: 12px; align-items: start; min-block-size: 44px; cursor: pointer; }
  .tick span, .button { overflow-wrap: anywhere; }
  .tick input { inline-size: 24px; block-size: 24px; margin: 0; accent-color: var(--accent); }
  .drop-hint { display: none; text-align: center; }
  .yours { display: grid; gap: 8px; }
  .yours h2 { font-size: 1rem; }
  .yours ul { display: grid; gap: 8px; }
  .yours button { inline-size: 100%; justify-content: space-between; border-radius: var(--radius); background: var(--sunken); }
  .foot { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 20px; color: var(--muted); }
  .foot button.link { min-block-size: 44px; }
  .foot select, .bib input {
    min-block-size: 44px; padding: 0.3em 0.6em; border: 1px solid var(--line); border-radius: 10px; background: var(--paper); color: var(--ink); font: inherit;
  }
  .bib { display: grid; gap: 8px; inline-size: 100%; text-align: start; }
  .ways + .bib { padding-block-start: 18px; border-block-start: 1px solid var(--line); }
  .bib label { font-weight: 600; }
  .bib div { display: flex; flex-wrap: wrap; gap: 8px; }
  .bib input { flex: 1 1 7em; inline-size: 7em; border-color: var(--muted); }
  .bib [aria-invalid="true"] { border-color: var(--danger); }
  .qr { display: grid; justify-items: center; gap: 10px; padding-block-start: 6px; text-align: center; }
  .qr svg { inline-size: 168px; block-size: 168px; border-radius: 10px; }

  .narrow { display: grid; align-content: center; justify-items: center; gap: 18px; inline-size: 100%; max-inline-size: 480px; margin-inline: auto; padding: 24px 20px max(32px, env(safe-area-inset-bottom)); text-align: center; }
  .narrow .ways, .narrow .bib { inline-size: 100%; max-inline-size: 340px; }
  .check > .icon { justify-self: start; margin-inline-start: -10px; }
  .selfie { inline-size: min(62vw, 260px, 38dvh); aspect-ratio: 1; object-fit: cover; border-radius: 50%; background: var(--sunken); }
  .ring { position: relative; display: grid; place-items: center; }
  .ring .selfie { inline-size: 168px; }
  .ring .spinner { position: absolute; inset: -10px; inline-size: auto; block-size: auto; }
  .ring.plain { inline-size: 64px; block-size: 64px; }
  .ring.plain .spinner { inset: 0; }
  .spinner { display: block; inline-size: 36px; block-size: 36px; border: 4px solid var(--fill); border-block-start-color: var(--accent); border-radius: 50%; animation: turn 900ms linear infinite; }
  @keyframes turn { to { transform: rotate(1turn); } }
  .trouble .sign { color: var(--muted); }
  .trouble .sign .icon { inline-size: 60px; block-size: 60px; stroke-width: 1.4; }
  .trouble [role="alert"] { display: grid; gap: 8px; }

  .banner { display: grid; gap: 10px; padding: 14px 18px; background: var(--warn); color: var(--warn-ink); }
  .banner .actions { display: flex; flex-wrap: wrap; gap: 8px; }
  .banner button, .banner .button { --fill: rgb(0 0 0 / .1); color: inherit; }
  .sheet .actions { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end; padding-block-start: 6px; }
  .points { display: grid; gap: 10px; padding-inline-start: 1.2em; list-style: disc; }
  .strip { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin-block: 12px 4px; padding: 12px 16px; border-radius: var(--radius); background: var(--sunken); }
  .strip p { flex: 1 1 14em; }
  .dropping .page { outline: 3px dashed var(--accent); outline-offset: -12px; }

  @media (hover: hover) and (min-width: 800px) {
    .drop-hint { display: block; }
  }
  @media (min-width: 880px) {
    .page.in-results { padding-inline: 28px; }
    .start { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); align-items: center; inline-size: 100%; max-inline-size: 1180px; margin: auto; padding: 40px 32px; gap: 56px; }
    .start:has(.cover.empty), .start:has(.cover.gone) { grid-template-columns: minmax(0, 560px); justify-content: center; gap: 0; }
    .cover { aspect-ratio: 4 / 5; max-block-size: 78dvh; border-radius: 24px; }
    .cover.empty { aspect-ratio: auto; }
    .column { max-inline-size: 480px; padding: 0; }
  }
`;
