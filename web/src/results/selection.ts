/** Which photos are selected, by their place in the list: what is not loaded yet can be selected, too. */

export interface Selection {
  readonly picked: ReadonlySet<number>;
  /** Where a range begins: the photo that was clicked last without Shift. */
  readonly anchor: number | null;
}

export const NOTHING: Selection = { picked: new Set(), anchor: null };

export function toggle({ picked }: Selection, index: number): Selection {
  const next = new Set(picked);
  if (!next.delete(index)) next.add(index);
  return { picked: next, anchor: index };
}

/** All from the anchor to this one become what the anchor is. Without an anchor it is a plain toggle. */
export function extend(selection: Selection, index: number): Selection {
  const { picked, anchor } = selection;
  if (anchor === null) return toggle(selection, index);
  const next = new Set(picked);
  for (let i = Math.min(anchor, index); i <= Math.max(anchor, index); i++) {
    if (picked.has(anchor)) next.add(i);
    else next.delete(i);
  }
  return { picked: next, anchor };
}

export function all(total: number): Selection {
  return { picked: new Set(Array.from({ length: total }, (_, i) => i)), anchor: null };
}

/** In the list's order. */
export function inOrder({ picked }: Selection): number[] {
  return [...picked].sort((a, b) => a - b);
}
