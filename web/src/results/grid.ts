/** Justified rows of photos, worked out before any picture is there, so that nothing on the page ever jumps. */

/** An original's size in pixels as displayed; null if nobody knows it. */
export interface Size {
  readonly width: number | null;
  readonly height: number | null;
}

/** A photo's place in its row; `index` is its place in the list. */
export interface Box {
  readonly index: number;
  readonly width: number;
}

/** `top` is where it begins below the grid's upper edge. All in CSS pixels, whole numbers. */
export interface Row {
  readonly top: number;
  readonly height: number;
  readonly boxes: readonly Box[];
}

export interface Shape {
  readonly width: number;
  /** The height that rows come close to. */
  readonly target: number;
  readonly gap: number;
}

const UNKNOWN = 3 / 2;
/** What is narrower or wider is cropped in the grid, or one panorama would make its row a stripe. */
const NARROWEST = 1 / 2;
const WIDEST = 5 / 2;
/** How much higher than the target the last row may become when that fills the width. */
const LAST = 1.15;
/** The same where it is the only row: a handful of photos may be larger. */
const ONLY = 1.7;

export function aspectOf({ width, height }: Size): number {
  return width && height ? Math.min(WIDEST, Math.max(NARROWEST, width / height)) : UNKNOWN;
}

/** The target for a grid of that width: larger photos where there is room. */
export function targetFor(width: number): number {
  return width < 600 ? 150 : width < 1000 ? 190 : 220;
}

/** Rows in order; a photo more at the end changes the last row alone. `first` is the first photo's index. */
export function rowsOf(sizes: readonly Size[], shape: Shape, first = 0): Row[] {
  const rows: Row[] = [];
  let waiting: number[] = [];
  let top = 0;
  const close = (aspects: number[], at: number, height?: number) => {
    const row = rowOf(aspects, at, top, shape, height);
    rows.push(row);
    top += row.height + shape.gap;
  };
  sizes.forEach((size, i) => {
    const fuller = [...waiting, aspectOf(size)];
    const at = first + i + 1 - fuller.length;
    if (filling(fuller, shape) > shape.target) {
      waiting = fuller;
    } else if (waiting.length && isCloser(filling(waiting, shape), filling(fuller, shape), shape.target)) {
      close(waiting, at);
      waiting = fuller.slice(-1);
      if (filling(waiting, shape) <= shape.target) {
        close(waiting, first + i);
        waiting = [];
      }
    } else {
      close(fuller, at);
      waiting = [];
    }
  });
  if (waiting.length) {
    const full = filling(waiting, shape);
    const most = shape.target * (rows.length ? LAST : ONLY);
    const height = full <= most ? undefined : rows.length ? shape.target : most;
    close(waiting, first + sizes.length - waiting.length, height);
  }
  return rows;
}

/** The height at which these photos fill the width. */
function filling(aspects: readonly number[], { width, gap }: Shape): number {
  return (width - gap * (aspects.length - 1)) / aspects.reduce((sum, aspect) => sum + aspect, 0);
}

function isCloser(height: number, other: number, target: number): boolean {
  return Math.abs(Math.log(height / target)) < Math.abs(Math.log(other / target));
}

/** Widths are rounded at their right edges, so that they and the gaps add up to the whole width. */
function rowOf(aspects: readonly number[], index: number, top: number, shape: Shape, height?: number): Row {
  const exact = height ?? filling(aspects, shape);
  let edge = 0;
  let done = 0;
  const boxes = aspects.map((aspect, i) => {
    edge += aspect * exact;
    const width = Math.max(1, Math.round(edge) - done);
    done += width;
    return { index: index + i, width };
  });
  return { top, height: Math.max(1, Math.round(exact)), boxes };
}
