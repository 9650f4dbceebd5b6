/** Saying things in one language: `say("home.back", { code })`. */
import { LANGUAGES, TABLE } from "./table.js";

/** The first of the browser's preferred languages (`["de-AT", "en"]`) that the app speaks, else English. */
export function chooseLanguage(preferred) {
  const spoken = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return spoken.find((language) => LANGUAGES.includes(language)) ?? "en";
}

/**
 * The function that says things in `language`. It takes a key of the table and what fills its blanks; `n` chooses
 * the plural. It has `language`, `knows(key)`, and `number` and `day` to write those as the language does.
 */
export function speaker(language) {
  const plural = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
  const say = (key, values = {}) => {
    const entry = TABLE[key][language];
    const text = typeof entry === "string" ? entry : (entry[plural.select(values.n)] ?? entry.other);
    return text.replace(/\{(\w+)\}/g, (_, name) => filled(values[name], numbers));
  };
  say.language = language;
  say.knows = (key) => key in TABLE;
  say.number = (value) => numbers.format(value);
  say.day = (ms) => days.format(ms);
  return say;
}

function filled(value, numbers) {
  return typeof value === "number" ? numbers.format(value) : value;
}
