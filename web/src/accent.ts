/** The event's accent as a style sheet, which a strict CSP lets through, and the text colour that is legible on it. */

/** WCAG's relative luminance of `#rrggbb`. */
export function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** White or near-black, whichever has the higher contrast. */
export function textOn(colour: string): string {
  const light = luminance(colour);
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#fff" : "#000";
}

export function accentSheet(accent: string | null | undefined): CSSStyleSheet | null {
  if (!accent || !/^#[0-9a-f]{6}$/i.test(accent)) return null;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:host { --event-accent: ${accent}; --event-on-accent: ${textOn(accent)}; }`);
  return sheet;
}
