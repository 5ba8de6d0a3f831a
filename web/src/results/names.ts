/** Names of files that every system takes. */

/** Makes file names that every system takes, each one once, whatever cameras and photographers called them. */
export function uniqueNames(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    const safe = safeName(name);
    const dot = safe.lastIndexOf(".");
    const [stem, end] = dot > 0 ? [safe.slice(0, dot), safe.slice(dot)] : [safe, ""];
    let unique = safe;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${stem} (${n})${end}`;
    taken.add(unique.toLowerCase());
    return unique;
  };
}

/** A name without folders, control or reserved characters, at most 120 characters with its ending. */
export function safeName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? "";
  const clean = base
    .replace(/[\p{Cc}\p{Cf}\p{Cs}<>:"|?*]/gu, "_")
    .replace(/^[\s.]+|[\s.]+$/g, "")
    .replace(/^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i, "_$1");
  const dot = clean.lastIndexOf(".");
  const end = dot > 0 && clean.length - dot <= 6 ? clean.slice(dot) : "";
  const stem = Array.from(end ? clean.slice(0, dot) : clean);
  return (stem.slice(0, 120 - end.length).join("") || "photo") + end;
}
