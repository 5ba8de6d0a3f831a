/** Messages by language. English is part of the bundle; another language is one more file. */
import en from "./messages/en.json" with { type: "json" };

export type MessageKey = keyof typeof en;
export type Values = Readonly<Record<string, string | number>>;
/** `t("results.found", { n: 23 })`: a message with plural forms takes its form from `n`. */
export type Translate = (key: MessageKey, values?: Values) => string;
type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>;
export type Messages = Readonly<Record<MessageKey, string | Plural>>;

/** Languages that are shipped, by their own names. */
export const LANGUAGES = { en: "English", hi: "हिन्दी", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const LOADERS: Record<Exclude<Language, "en">, () => Promise<{ default: Messages }>> = {
  hi: () => import("./messages/hi.json", { with: { type: "json" } }) as Promise<{ default: Messages }>,
  de: () => import("./messages/de.json", { with: { type: "json" } }) as Promise<{ default: Messages }>,
};

function shipped(tag: string | null | undefined): Language | null {
  const primary = tag?.toLowerCase().split("-")[0] ?? "";
  return Object.hasOwn(LANGUAGES, primary) ? (primary as Language) : null;
}

/** The first wish that is shipped: attribute, stored choice, the browser's languages, the event's locale; else English. */
export function chooseLanguage(...wishes: readonly (string | null | undefined)[]): Language {
  for (const wish of wishes) {
    const language = shipped(wish);
    if (language) return language;
  }
  return "en";
}

/** What writes messages, numbers and dates in one language. */
export class Speech {
  readonly language: Language;
  readonly #messages: Messages;
  readonly #plurals: Intl.PluralRules;
  readonly #numbers: Intl.NumberFormat;

  constructor(language: Language = "en", messages: Messages = en) {
    this.language = language;
    this.#messages = messages;
    this.#plurals = new Intl.PluralRules(language);
    this.#numbers = new Intl.NumberFormat(language);
  }

  readonly t: Translate = (key, values = {}) => {
    const message = this.#messages[key] ?? en[key];
    const text =
      typeof message === "string"
        ? message
        : (message[this.#plurals.select(Number(values.n ?? 0)) as keyof typeof message] ?? message.other ?? key);
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return typeof value === "number" ? this.#numbers.format(value) : (value ?? whole);
    });
  };

  /** "17 May 2026"; an ISO date or time of the event's place, so its zone is not converted. */
  date(iso: string): string {
    const day = new Date(`${iso.slice(0, 10)}T12:00:00Z`);
    if (Number.isNaN(day.getTime())) return iso;
    return new Intl.DateTimeFormat(this.language, { dateStyle: "long", timeZone: "UTC" }).format(day);
  }

  /** "3 minutes ago" */
  ago(iso: string, now: number = Date.now()): string {
    const seconds = (Date.parse(iso) - now) / 1000;
    const units = [["day", 86_400] as const, ["hour", 3_600] as const, ["minute", 60] as const];
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? (["minute", 60] as const);
    return new Intl.RelativeTimeFormat(this.language, { numeric: "auto" }).format(Math.round(seconds / size), unit);
  }

  /** "24 MB" */
  bytes(count: number): string {
    const [value, unit] =
      count < 1e6 ? [count / 1e3, "kilobyte"] : count < 1e9 ? [count / 1e6, "megabyte"] : [count / 1e9, "gigabyte"];
    const maximumFractionDigits = value < 10 ? 1 : 0;
    return new Intl.NumberFormat(this.language, { style: "unit", unit, maximumFractionDigits }).format(value);
  }
}

/** The language's speech; English if its file cannot be fetched. */
export async function speechOf(language: Language): Promise<Speech> {
  if (language === "en") return new Speech();
  try {
    return new Speech(language, (await LOADERS[language]()).default);
  } catch {
    return new Speech();
  }
}
