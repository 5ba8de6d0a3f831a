import { css } from "lit";

/** The camera's screen is dark in both schemes; in the dark it turns into a lamp. */
export const cameraStyles = css`
  :host {
    position: fixed; inset: 0; z-index: 20; display: grid; grid-template-rows: auto 1fr auto; background: #0d0e11; color: #fff;
    --ink: #fff; --fill: rgb(255 255 255 / .16); --focus: 3px solid #fff; --muted: #d5d6dc;
    padding: env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left);
    transition: background 400ms;
  }
  :host([dark]) { background: #fff; color: #17181c; --ink: #17181c; --fill: #ececf0; --focus: 3px solid #17181c; --muted: #4b4d55; }
  .top { display: grid; grid-template-columns: 44px 1fr 44px; align-items: center; gap: 8px; padding: 8px 12px; }
  .top .title { font-size: 1.0625rem; font-weight: 600; text-align: center; }
  .top .icon { border-radius: 50%; }
  .stage { position: relative; min-block-size: 0; overflow: hidden; display: grid; place-items: center; }
  video { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; object-fit: cover; }
  :host([tall]) video { object-fit: contain; }
  :host([mirrored]) video { transform: scaleX(-1); }
  .oval {
    position: relative; block-size: min(74%, 30rem); aspect-ratio: 3 / 4; max-inline-size: 78%; border-radius: 50%;
    box-shadow: 0 0 0 200vmax rgb(13 14 17 / .55); outline: 3px solid rgb(255 255 255 / .9); outline-offset: -1px;
    transition: box-shadow 400ms, outline-color 400ms;
  }
  :host([dark]) .oval { box-shadow: 0 0 0 200vmax #fff; outline-color: #17181c; }
  .asking { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 16px; padding: 24px; background: #0d0e11; color: #fff; text-align: center; }
  .asking p { max-inline-size: 26rem; }
  .bottom { display: grid; justify-items: center; gap: 10px; padding: 14px 16px 18px; text-align: center; }
  .hint { min-block-size: 3em; max-inline-size: 24rem; display: grid; place-content: center; font-weight: 500; }
  .shutter { inline-size: 76px; block-size: 76px; padding: 5px; border-radius: 50%; background: transparent; border: 4px solid var(--ink); }
  .shutter span { inline-size: 100%; block-size: 100%; border-radius: 50%; background: var(--ink); transition: transform 120ms; }
  .shutter:active span { transform: scale(.92); }
  .shutter:disabled { opacity: .35; }
  .trouble { display: grid; align-content: center; justify-items: center; gap: 16px; padding: 24px; text-align: center; }
  .trouble > div { display: grid; gap: 8px; max-inline-size: 26rem; }
  .trouble h2 { font-size: 1.375rem; }
  .large { min-block-size: 54px; padding-inline: 1.6em; }
  .spinner { inline-size: 32px; block-size: 32px; border: 3px solid rgb(255 255 255 / .35); border-block-start-color: #fff; border-radius: 50%; animation: turn 900ms linear infinite; }
  @keyframes turn { to { transform: rotate(1turn); } }
  @media (max-height: 480px) and (orientation: landscape) {
    :host { grid-template: auto 1fr / 1fr minmax(180px, 30%); }
    .top, .bottom { grid-column: 2; }
    .bottom { align-content: center; padding-block: 0; }
    .stage, .trouble { grid-area: 1 / 1 / 3; }
    .oval { block-size: 84%; }
  }
  @media (min-width: 720px) and (min-height: 560px) {
    :host {
      inset: auto; inset-block: 0; inset-inline: 0; margin: auto; inline-size: min(640px, 92vw); block-size: min(720px, 92dvh); border-radius: 22px;
      overflow: hidden; box-shadow: 0 0 0 200vmax rgb(12 12 16 / .6), 0 24px 80px rgb(0 0 0 / .4);
    }
  }
`;
