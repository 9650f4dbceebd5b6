/** Saying things in one language: `t("home.back", { code })`. */
import { LANGUAGES, MESSAGES } from "./messages.js";

/** The first of the browser's preferred languages (`["de-AT", "en"]`) that the app speaks, else English. */
export function chooseLanguage(preferred) {
  const spoken = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return spoken.find((language) => LANGUAGES.includes(language)) ?? "en";
}

/**
 * The function that says things in `language`. It takes a key of the table and what fills its blanks; `n` chooses
 * the plural. It has `language`, `knows(key)`, and `number` and `day` to write those as the language does.
 */
export function translator(language) {
  const plural = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
  const t = (key, values = {}) => {
    const entry = MESSAGES[key][language];
    const text = typeof entry === "string" ? entry : (entry[plural.select(values.n)] ?? entry.other);
    return text.replace(/\{(\w+)\}/g, (_, name) => filled(values[name], numbers));
  };
  t.language = language;
  t.knows = (key) => key in MESSAGES;
  t.number = (value) => numbers.format(value);
  t.day = (ms) => days.format(ms);
  return t;
}

function filled(value, numbers) {
  return typeof value === "number" ? numbers.format(value) : value;
}
