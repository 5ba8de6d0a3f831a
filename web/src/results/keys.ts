/** Where an arrow key leads in rows of photos. */

import type { Row } from "./grid.ts";

export type GridKey = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home" | "End";

const KEYS: ReadonlySet<string> = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

export function isGridKey(key: string): key is GridKey {
  return KEYS.has(key);
}

/** The photo that the key leads to from `index`; `index` itself at the edges. Rows hold the photos 0, 1, 2, … */
export function move(rows: readonly Row[], index: number, key: GridKey, gap: number, rtl = false): number {
  const count = rows.reduce((sum, row) => sum + row.boxes.length, 0);
  const last = Math.max(0, count - 1);
  switch (key) {
    case "Home":
      return 0;
    case "End":
      return last;
    case "ArrowLeft":
    case "ArrowRight": {
      const step = (key === "ArrowRight") === rtl ? -1 : 1;
      return Math.min(last, Math.max(0, index + step));
    }
    default:
      return beside(rows, index, key === "ArrowUp" ? -1 : 1, gap);
  }
}

/** The photo of the neighbouring row whose middle is nearest to the middle of this one. */
function beside(rows: readonly Row[], index: number, step: number, gap: number): number {
  const at = rows.findIndex((row) => row.boxes.some((box) => box.index === index));
  const [here, there] = [rows[at], rows[at + step]];
  if (!here || !there) return index;
  const middle = middles(here, gap).find((m) => m.index === index)?.middle ?? 0;
  return middles(there, gap).reduce((a, b) => (Math.abs(b.middle - middle) < Math.abs(a.middle - middle) ? b : a))
    .index;
}

function middles(row: Row, gap: number): { index: number; middle: number }[] {
  let left = 0;
  return row.boxes.map(({ index, width }) => {
    const middle = left + width / 2;
    left += width + gap;
    return { index, middle };
  });
}
