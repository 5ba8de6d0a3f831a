/** The open photo and the selecting mode in the browser's history, one entry each, so that Back closes them. */

export type Layer = "photo" | "select";
/** none: the page around has an address of its own. */
export type HistoryMode = "query" | "none";

interface LayerState {
  readonly faceSearchLayer?: Layer;
  readonly faceSearchSeen?: number | null;
}

/** Which layer this entry of the history is; null for the list itself. */
export function layer(): Layer | null {
  return (history.state as LayerState | null)?.faceSearchLayer ?? null;
}

/** The photo that the address names, counted from 0. */
export function photoInAddress(hash: string = location.hash): number | null {
  const number = /^#p=([1-9]\d{0,6})$/.exec(hash)?.[1];
  return number ? Number(number) - 1 : null;
}

export function enter(layer: Layer, photo?: number): void {
  history.pushState({ ...history.state, faceSearchLayer: layer }, "", addressOf(photo));
}

/** Another photo in the same entry. */
export function show(photo: number): void {
  history.replaceState(history.state, "", addressOf(photo));
}

/** Back to the list: by Back if the page made this entry; an address that was opened with a photo only loses it. */
export function leave(): void {
  if (layer()) history.back();
  else history.replaceState(history.state, "", addressOf());
}

/** The photo in sight, for a reload: kept in this entry, since a store would keep it for the next guest, too. */
export function remember(photo: number | null): void {
  history.replaceState({ ...history.state, faceSearchSeen: photo }, "");
}

export function remembered(): number | null {
  return (history.state as LayerState | null)?.faceSearchSeen ?? null;
}

function addressOf(photo?: number): string {
  return location.pathname + location.search + (photo === undefined ? "" : `#p=${photo + 1}`);
}
