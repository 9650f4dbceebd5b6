import assert from "node:assert/strict";
import { test } from "node:test";

import { chooseLanguage, translator } from "../../../src/hubbub/web/strings/translator.js";
import { LANGUAGES, MESSAGES } from "../../../src/hubbub/web/strings/messages.js";

const ENTRIES = Object.entries(MESSAGES);

/** The forms of a value by plural category; a value that counts nothing has one, for whatever number. */
function formsOf(value) {
  return typeof value === "string" ? { always: value } : value;
}

function blanksOf(text) {
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
}

test("every word is there in every language, and in no other", () => {
  assert.ok(LANGUAGES.includes("en"));
  for (const [key, entry] of ENTRIES) {
    assert.deepEqual(Object.keys(entry).sort(), [...LANGUAGES].sort(), key);
    for (const language of LANGUAGES) {
      for (const text of Object.values(formsOf(entry[language]))) {
        assert.equal(typeof text, "string", `${key} in ${language}`);
        assert.ok(text !== "" && text === text.trim(), `${key} in ${language}: “${text}”`);
      }
    }
  }
});

test("what counts something has a form for every number of its language", () => {
  for (const [key, entry] of ENTRIES) {
    const counting = LANGUAGES.filter((language) => typeof entry[language] !== "string");
    assert.ok(counting.length === 0 || counting.length === LANGUAGES.length, `${key} counts in ${counting} only`);
    for (const language of counting) {
      const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
      assert.deepEqual(Object.keys(entry[language]).sort(), [...pluralCategories].sort(), `${key} in ${language}`);
    }
  }
});

test("every language has the same blanks to fill", () => {
  for (const [key, entry] of ENTRIES) {
    const [first, ...others] = LANGUAGES.map((language) => formsOf(entry[language]));
    for (const other of others) {
      for (const form of Object.keys(first)) {
        assert.deepEqual(blanksOf(other[form] ?? other.other), blanksOf(first[form]), `${key}, ${form}`);
      }
    }
  }
});

test("a blank is well-formed: no brace is left over", () => {
  for (const [key, entry] of ENTRIES) {
    for (const text of LANGUAGES.flatMap((language) => Object.values(formsOf(entry[language])))) {
      assert.doesNotMatch(text.replace(/\{\w+\}/g, ""), /[{}]/, key);
    }
  }
});

test("the language is the first of the browser's that the app speaks", () => {
  const choices = [
    [["de-AT", "en"], "de"],
    [["en-GB", "de"], "en"],
    [["fr-FR", "de-DE", "en"], "de"],
    [["DE"], "de"],
    [["fr", "it"], "en"],
    [[], "en"],
    [["den"], "en"],
    [["x-de"], "en"],
    [["de-Latn-DE-1996"], "de"],
  ];
  for (const [preferred, language] of choices) assert.equal(chooseLanguage(preferred), language, String(preferred));
});

test("every language has a voice that knows what it is", () => {
  for (const language of LANGUAGES) {
    const t = translator(language);
    assert.equal(t.language, language);
    assert.equal(t("home.start"), MESSAGES["home.start"][language]);
    assert.equal(t.knows("home.start"), true);
    assert.equal(t.knows("home.nothing"), false);
  }
});

test("blanks are filled, each wherever it stands, and nothing in them is a blank again", () => {
  const t = translator("en");
  assert.equal(t("heard.said", { name: "{text}", text: "$& $1 {name}" }), "{text}: $& $1 {name}");
  assert.equal(translator("de")("promote.text", { name: "Ben" }), "Du wirst Gast; zurückgeben kann nur Ben.");
});

test("the number chooses the form", () => {
  const [english, german] = LANGUAGES.map(translator);
  const count = (t) => [0, 1, 2, 21].map((n) => t("party.people", { n }));
  assert.deepEqual(count(english), ["0 guests", "1 guest", "2 guests", "21 guests"]);
  assert.deepEqual(count(german), ["0 Gäste", "1 Gast", "2 Gäste", "21 Gäste"]);
  assert.equal(german("heard.joined.more", { first: "Ann", n: 1 }), "Ann und 1 weitere Person sind da");
  assert.equal(german("heard.joined.more", { first: "Ann", n: 2 }), "Ann und 2 weitere sind da");
});

test("numbers and days are written as the language does; what a person wrote stays as it is", () => {
  const [english, german] = LANGUAGES.map(translator);
  assert.deepEqual([english.number(12_345), german.number(12_345)], ["12,345", "12.345"]);
  assert.deepEqual(
    [english("party.people", { n: 1234 }), german("party.people", { n: 1234 })],
    ["1,234 guests", "1.234 Gäste"],
  );
  assert.equal(english("home.back", { code: "123456" }), "Back to 123456");
  const noon = Date.UTC(2026, 10, 23, 12);
  assert.deepEqual([english.day(noon), german.day(noon)], ["November 23", "23. November"]);
});
