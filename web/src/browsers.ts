/** The only place that looks at the user agent: where features cannot be asked for, and for the words that help. */

/** Apps whose built-in browser keeps neither files nor the camera for us, by what their user agents carry. */
const APPS: readonly (readonly [RegExp, string])[] = [
  [/Instagram/i, "Instagram"],
  [/FBAN|FBAV|FB_IAB/i, "Facebook"],
  [/MessengerForiOS|Orca-Android/i, "Messenger"],
  [/WhatsApp/i, "WhatsApp"],
  [/\bLine\//i, "LINE"],
  [/Snapchat/i, "Snapchat"],
  [/musical_ly|BytedanceWebview|TikTok/i, "TikTok"],
  [/Twitter/i, "X"],
  [/LinkedInApp/i, "LinkedIn"],
  [/Pinterest/i, "Pinterest"],
  [/MicroMessenger/i, "WeChat"],
  [/Telegram/i, "Telegram"],
  [/GSA\//i, "Google"],
];

/** The app's name if this is an app's built-in browser; "" if it is one of an app that is not known; else null. */
export function inAppBrowser(agent: string = navigator.userAgent): string | null {
  const known = APPS.find(([pattern]) => pattern.test(agent));
  if (known) return known[1];
  if (/Android/.test(agent) && /; wv\)/.test(agent)) return "";
  if (/iPhone|iPad|iPod/.test(agent) && /AppleWebKit/.test(agent) && !/Safari\//.test(agent)) return "";
  return null;
}

/** iPadOS says that it is a Mac, but no Mac has a touch screen. */
export function isIos(agent: string = navigator.userAgent, touchPoints: number = navigator.maxTouchPoints): boolean {
  return /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touchPoints > 1);
}

export type CameraSwitch = "ios" | "android" | "desktop";

/** Where this browser has the switch for the camera. */
export function cameraSwitch(agent?: string, touchPoints?: number): CameraSwitch {
  if (isIos(agent, touchPoints)) return "ios";
  return /Android/.test(agent ?? navigator.userAgent) ? "android" : "desktop";
}

/** Opens the address in Chrome from an Android app's browser; iOS has no such address. */
export function chromeAddress(url: string, agent: string = navigator.userAgent): string | null {
  if (!/Android/.test(agent)) return null;
  const { host, pathname, search, protocol } = new URL(url);
  return `intent://${host}${pathname}${search}#Intent;scheme=${protocol.slice(0, -1)};end`;
}
