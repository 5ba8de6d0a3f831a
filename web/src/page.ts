/** The guests' page: gives the element what the page's HTML carries. Runs before the element is defined. */
import type { PageConfig } from "./types.ts";

export function dressPage(): void {
  const script = document.getElementById("face-search-config");
  const element = document.querySelector("face-search");
  if (!script || !element) return;
  const config = JSON.parse(script.textContent ?? "") as PageConfig;
  Object.assign(element, { config });
  const { api, org, event, token } = config;
  for (const [name, value] of Object.entries({ api, org, event, token, history: "query" })) {
    element.setAttribute(name, String(value));
  }
  if (new URL(location.href).searchParams.has("kiosk")) element.setAttribute("kiosk", "");
  for (const name of ["face-search-ready", "face-search-language"]) {
    element.addEventListener(name, (told) => {
      document.documentElement.lang = (told as CustomEvent<{ language: string }>).detail.language;
    });
  }
}
