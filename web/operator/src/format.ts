/** Numbers and times as the view writes them. */
const NUMBERS = new Intl.NumberFormat("en");
const TIMES = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const DAYS = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

export const UNKNOWN = "–";

/** "1,913"; a count that stopped at its bound is "1,900+": rounded down, for it says nothing more exact. */
export function count(value: number | null, more = false): string {
  if (value === null) return UNKNOWN;
  if (!more) return NUMBERS.format(value);
  const step = value >= 1000 ? 100 : value >= 100 ? 10 : 1;
  return `${NUMBERS.format(Math.floor(value / step) * step)}+`;
}

/** "1 photo", "3 photos". */
export function several(value: number, noun: string, more = false): string {
  return `${count(value, more)} ${noun}${value === 1 && !more ? "" : noun.endsWith("ch") ? "es" : "s"}`;
}

export function time(seconds: number): string {
  return TIMES.format(seconds * 1000);
}

/** The day of an ISO 8601 date, which is a place's own and in no zone. */
export function day(date: string): string {
  const [year = 0, month = 1, number = 1] = date.slice(0, 10).split("-").map(Number);
  return DAYS.format(new Date(year, month - 1, number));
}

/** "just now", "4 min ago", "3 h ago"; from two days on the day. */
export function ago(seconds: number, now = Date.now() / 1000): string {
  const age = Math.max(0, now - seconds);
  return age < 5 ? "just now" : age < 172_800 ? `${duration(age)} ago` : DAYS.format(seconds * 1000);
}

/** In the largest unit that fits: "45 s", "12 min", "3 h", "9 d". */
export function duration(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
  ] as const;
  for (const [unit, length] of units)
    if (seconds >= length * 2 || (unit !== "d" && seconds >= length)) return `${Math.floor(seconds / length)} ${unit}`;
  return `${Math.floor(seconds)} s`;
}
