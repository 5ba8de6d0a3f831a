/** Race bibs: what guests may type, and where a bib stands in a request_id's place. */

/** The bib that was typed, as the API takes it; null if it is none. */
export function bibOf(typed: string | null): string | null {
  const latin = typed?.replace(/[०-९]/g, (digit) => String(digit.charCodeAt(0) - 0x966)); // Hindi keyboards have both
  const bib = latin?.replace(/^\s*#|\s/g, "") ?? "";
  return /^[0-9a-z]{1,16}$/i.test(bib) ? bib.toUpperCase() : null;
}

/** Whether this names the photos of a bib, and no search: a request_id is longer. */
export const isBib = (requestId: string | null): requestId is string => requestId !== null && requestId.length <= 16;
