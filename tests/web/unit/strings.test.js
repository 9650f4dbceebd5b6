import assert from "node:assert/strict";
import { test } from "node:test";

import { MESSAGES as GERMAN } from "../../../src/hubbub/web/strings/de.js";
import { MESSAGES as ENGLISH } from "../../../src/hubbub/web/strings/en.js";
import { chooseLanguage, LANGUAGES, loadTranslator, translator } from "../../../src/hubbub/web/strings/translator.js";

const MESSAGES = { en: ENGLISH, de: GERMAN };
/** `[key, { en, de }]` of each text in any language. */
const KEYS = [...new Set(Object.values(MESSAGES).flatMap(Object.keys))];
const ENTRIES = KEYS.map((key) => [
  key,
  Object.fromEntries(Object.keys(MESSAGES).flatMap((tag) => (key in MESSAGES[tag] ? [[tag, MESSAGES[tag][key]]] : []))),
]);

/** The forms of a value by plural category; a value that counts nothing has one, for whatever number. */
function formsOf(value) {
  return typeof value === "string" ? { always: value } : value;
}

function blanksOf(text) {
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
}

test("every word is there in every language, and in no other", () => {
  assert.deepEqual(LANGUAGES, Object.keys(MESSAGES));
  for (const [key, entry] of ENTRIES) {
    assert.deepEqual(Object.keys(entry).sort(), [...LANGUAGES].sort(), key);
    for (const language of LANGUAGES) {
      for (const text of Object.values(formsOf(entry[language]))) {
        assert.equal(typeof text, "string", `${key} in ${language}`);
        assert.ok(text !== "" && text === text.trim(), `${key} in ${language}: “${text}”`);
        assert.doesNotMatch(text.replace(/\{\w+\}/g, ""), /[{}]/, `a brace is left over: ${key} in ${language}`);
      }
    }
  }
});

test("a count has a form for each number of its language", () => {
  for (const [key, entry] of ENTRIES) {
    const counting = LANGUAGES.filter((language) => typeof entry[language] !== "string");
    assert.ok(counting.length === 0 || counting.length === LANGUAGES.length, `${key} counts in ${counting} only`);
    for (const language of counting) {
      const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
      assert.deepEqual(Object.keys(entry[language]).sort(), [...pluralCategories].sort(), `${key} in ${language}`);
    }
  }
});

test("every form in every language has the same blanks to fill", () => {
  // "One guest" needs no number; every other blank is in each form.
  const withoutNumber = (text) => blanksOf(text).filter((blank) => blank !== "{n}");
  for (const [key, entry] of ENTRIES) {
    const english = formsOf(entry.en);
    const general = english.other ?? english.always;
    for (const language of LANGUAGES) {
      const forms = formsOf(entry[language]);
      assert.deepEqual(blanksOf(forms.other ?? forms.always), blanksOf(general), `${key} in ${language}`);
      for (const [form, text] of Object.entries(forms)) {
        assert.deepEqual(withoutNumber(text), withoutNumber(general), `${key} in ${language}, ${form}`);
      }
    }
  }
});

test("a third language needs no more than its texts", () => {
  const polish = { one: "{n} gość", few: "{n} goście", many: "{n} gości", other: "{n} gościa" };
  const messages = {
    "party.people": polish,
    "invite.text": "Na {address} wpisz kod",
    "announcement.mode.OPEN": "Teraz goście mogą rozmawiać",
  };
  const t = translator("pl", messages);
  assert.deepEqual(
    [1, 2, 5, 22, 1.5].map((n) => t("party.people", { n })),
    ["1 gość", "2 goście", "5 gości", "22 goście", "1,5 gościa"],
  );
  assert.deepEqual(t.around("invite.text", "address"), ["Na ", " wpisz kod"]);
  assert.equal(t.list(["ekran", "link"]), "ekran i link");
  assert.equal(t("announcement.mode.OPEN"), "Teraz goście mogą rozmawiać");
});

test("a sentence around an element has one blank", () => {
  for (const language of LANGUAGES) {
    for (const key of ["invite.text", "wall.join"]) {
      assert.equal(translator(language, MESSAGES[language]).around(key, "address").length, 2, `${key} in ${language}`);
    }
  }
});

test("sentences follow each other, empty ones are left out", () => {
  assert.equal(translator("en", ENGLISH).sentences(["", "Ann joined", "", "Ben left"]), "Ann joined. Ben left");
  assert.equal(translator("en", ENGLISH).sentences([""]), "");
});

test("the language is the browser's first known one", () => {
  const choices = [
    [["de-AT", "en"], "de"],
    [["en-GB", "de"], "en"],
    [["tlh", "de-DE", "en"], "de"],
    [["DE"], "de"],
    [["tlh", "vo"], "en"],
    [[], "en"],
    [["den"], "en"],
    [["x-de"], "en"],
    [["de-Latn-DE-1996"], "de"],
  ];
  for (const [preferred, language] of choices) assert.equal(chooseLanguage(preferred), language, String(preferred));
});

test("each language is loaded when the browser prefers it", async () => {
  for (const language of LANGUAGES) {
    const t = await loadTranslator([`${language}-XX`, "en"]);
    assert.equal(t.language, language);
    assert.equal(t("home.start"), MESSAGES[language]["home.start"]);
  }
  assert.equal((await loadTranslator(["tlh"])).language, "en");
});

test("each blank is filled once, its value has no blanks", () => {
  const t = translator("en", ENGLISH);
  assert.equal(t("announcement.said", { name: "{text}", text: "$& $1 {name}" }), "{text}: $& $1 {name}");
  assert.equal(translator("de", GERMAN)("promote.text", { name: "Ben" }), "Du wirst Gast; zurückgeben kann nur Ben.");
});

test("the number chooses the form", () => {
  const [english, german] = [translator("en", ENGLISH), translator("de", GERMAN)];
  const count = (t) => [0, 1, 2, 21].map((n) => t("party.people", { n }));
  assert.deepEqual(count(english), ["0 guests", "1 guest", "2 guests", "21 guests"]);
  assert.deepEqual(count(german), ["0 Gäste", "1 Gast", "2 Gäste", "21 Gäste"]);
  assert.equal(german("announcement.joined.more", { first: "Ann", n: 1 }), "Ann und 1 weitere Person sind da");
  assert.equal(german("announcement.joined.more", { first: "Ann", n: 2 }), "Ann und 2 weitere sind da");
});

test("numbers and days follow the language, names stay", () => {
  const [english, german] = [translator("en", ENGLISH), translator("de", GERMAN)];
  assert.deepEqual([english.number(12_345), german.number(12_345)], ["12,345", "12.345"]);
  assert.deepEqual(
    [english("party.people", { n: 1234 }), german("party.people", { n: 1234 })],
    ["1,234 guests", "1.234 Gäste"],
  );
  assert.equal(english("home.back", { code: "123456" }), "Back to 123456");
  const noon = Date.UTC(2026, 10, 23, 12);
  assert.deepEqual([english.day(noon), german.day(noon)], ["November 23", "23. November"]);
});
