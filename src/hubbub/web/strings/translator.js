/**
 * Texts in one language: `t("home.back", { code })`.
 *
 * Each language is a module with one text per key, or one per plural category of `n` if it counts something. `{name}`
 * is filled in. Each text is a whole sentence or label: sentences built from parts cannot be translated. To add a
 * language, add its module and its line in `LOADERS`; `tests/web/unit/strings.test.js` names what is missing.
 */
import { MESSAGES as ENGLISH } from "./en.js";

/** Languages beside English. They are loaded when a phone asks for them: all in one would slow every first load. */
const LOADERS = {
  de: () => import("./de.js"),
};

export const LANGUAGES = ["en", ...Object.keys(LOADERS)];

/** Return the first of the browser's preferred languages (`["de-AT", "en"]`) that the app has, else English. */
export function chooseLanguage(preferred) {
  const wanted = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return wanted.find((language) => LANGUAGES.includes(language)) ?? "en";
}

/** Return the translator for the browser's preferred languages; the English one if the language cannot be loaded. */
export async function loadTranslator(preferred) {
  const language = chooseLanguage(preferred);
  try {
    return language === "en" ? translator("en", ENGLISH) : translator(language, (await LOADERS[language]()).MESSAGES);
  } catch {
    return translator("en", ENGLISH);
  }
}

/**
 * Return the function that translates into `language`. It takes a key of the messages and the values of its blanks;
 * `n` chooses the plural. Its properties:
 *
 * - `language`: the tag
 * - `around(key, blank)`: the texts before and after a blank that the page fills with an element
 * - `number(value)`, `day(ms)`, `list(texts)`: these as the language writes them
 * - `sentences(texts)`: whole sentences, one after the other
 */
export function translator(language, messages) {
  const plural = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
  const lists = new Intl.ListFormat(language, { type: "unit" });
  const formOf = (key, n) => {
    const entry = messages[key];
    return typeof entry === "string" ? entry : (entry[plural.select(n)] ?? entry.other);
  };
  const filled = (value) => (typeof value === "number" ? numbers.format(value) : value);
  const t = (key, values = {}) => formOf(key, values.n).replace(/\{(\w+)\}/g, (_, name) => filled(values[name]));
  t.language = language;
  t.around = (key, blank) => formOf(key).split(`{${blank}}`);
  t.number = (value) => numbers.format(value);
  t.day = (ms) => days.format(ms);
  t.list = (texts) => lists.format(texts);
  t.sentences = (texts) => texts.filter((text) => text !== "").join(". ");
  return t;
}
