import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { MODES } from "../../../src/hubbub/web/models/chat.js";
import { tabsOf } from "../../../src/hubbub/web/models/screen.js";
import { MESSAGES as GERMAN } from "../../../src/hubbub/web/strings/de.js";
import { MESSAGES as ENGLISH } from "../../../src/hubbub/web/strings/en.js";
import { LANGUAGES } from "../../../src/hubbub/web/strings/translator.js";

const WEB = new URL("../../../src/hubbub/web/", import.meta.url);
const SOURCES = ["main.js", ...["app", "models", "views"].flatMap(modulesIn)].map((path) => ({
  path,
  text: readFileSync(new URL(path, WEB), "utf8"),
}));
const MESSAGES = { en: ENGLISH, de: GERMAN };
const KEYS = Object.keys(ENGLISH);
const ROOMS = new Set(KEYS.map((key) => key.split(".")[0]));

function modulesIn(folder) {
  return readdirSync(new URL(folder, WEB))
    .filter((name) => name.endsWith(".js"))
    .map((name) => `${folder}/${name}`);
}

function sourceOf(path) {
  return SOURCES.find((source) => source.path === path).text;
}

/** The first groups of all that `pattern` finds. */
function all(text, pattern) {
  return [...text.matchAll(pattern)].map(([, found]) => found);
}

function formsOf(value) {
  return typeof value === "string" ? [value] : Object.values(value);
}

/** What each computed key can become. The status screens and the questions are read from where they are listed. */
const STATUS_SCREENS = all(sourceOf("models/screen.js"), /^ {2}(\w+): \["/gm);
const STATUS_ACTIONS = new Set(
  all(sourceOf("models/screen.js"), /^ {2}\w+: \[.*\[(.*)\]\],$/gm).flatMap((list) => all(list, /"(\w+)"/g)),
);
const WITHOUT_TEXT = all(/WITHOUT_TEXT = new Set\(\[(.*)\]\)/.exec(sourceOf("models/screen.js"))[1], /"(\w+)"/g);
const WITH_TEXT = STATUS_SCREENS.filter((kind) => !WITHOUT_TEXT.includes(kind));
const QUESTIONS = all(sourceOf("app/actions.js"), /confirmed\("(\w+)"/g);
const COMPUTED = {
  "`door.${kind}.title`": STATUS_SCREENS.map((kind) => `door.${kind}.title`),
  "`door.${kind}.text`": WITH_TEXT.map((kind) => `door.${kind}.text`),
  "`door.action.${id}`": [...STATUS_ACTIONS].map((id) => `door.action.${id}`),
  "`announcement.mode.${event.mode}`": MODES.map((id) => `announcement.mode.${id}`),
  "`chat.mode.${id}`": MODES.map((id) => `chat.mode.${id}`),
  "`music.${playback.state}`": ["playing", "paused", "stopped"].map((state) => `music.${state}`),
  "`music.${id}`": ["music.play", "music.pause"],
  "`tab.${id}`": tabsOf(true).map((id) => `tab.${id}`),
  "`recap.${id}`": ["guests", "messages", "reactions"].map((id) => `recap.${id}`),
  "`menu.${out}`": ["menu.end", "menu.leave"],
  "`${key}.${part}`": QUESTIONS.flatMap((key) => ["title", "text", "yes", "no"].map((part) => `${key}.${part}`)),
};

/** The keys that are written out, whether they are said at once or handed on. */
const WRITTEN = SOURCES.flatMap(({ path, text }) =>
  all(text, /"([a-z]+\.[A-Za-z_]+(?:\.[A-Za-z_]+)*)"/g)
    .filter((key) => ROOMS.has(key.split(".")[0]))
    .map((key) => ({ path, key })),
);

test("the sources are where this test looks for them", () => {
  assert.ok(WRITTEN.length > 100, `${WRITTEN.length} keys`);
  assert.ok(STATUS_SCREENS.length > 15 && STATUS_ACTIONS.size > 4 && QUESTIONS.length === 4);
});

test("every key in the sources has a message", () => {
  assert.deepEqual(
    WRITTEN.filter(({ key }) => !(key in ENGLISH)),
    [],
  );
});

test("every computed key is known and has texts", () => {
  // The keys of the storage are not messages.
  const spoken = SOURCES.filter(({ path }) => path !== "app/storage.js");
  const found = spoken
    .flatMap(({ text }) => all(text, /(`[a-z]*(?:\.[a-z]+)*\.\$\{[^`/ ]*`|`\$\{key\}\.\$\{part\}`)/g))
    .filter((template) => template.startsWith("`$") || ROOMS.has(/^`([a-z]+)/.exec(template)[1]));
  assert.deepEqual([...new Set(found)].sort(), Object.keys(COMPUTED).sort());
  assert.deepEqual(
    Object.values(COMPUTED)
      .flat()
      .filter((key) => !(key in ENGLISH)),
    [],
  );
});

test("no message is left that nothing uses", () => {
  const said = new Set([...WRITTEN.map(({ key }) => key), ...Object.values(COMPUTED).flat()]);
  assert.deepEqual(
    KEYS.filter((key) => !said.has(key)),
    [],
  );
});

test("a text gets a value for each of its blanks", () => {
  for (const { path, text } of SOURCES) {
    for (const [, key, values = ""] of text.matchAll(/\bt\(\s*"([^"]+)"(?:,\s*\{([^}]*)\})?\s*\)/g)) {
      const filled = new Set(all(values, /(\w+)\s*(?:[:,]|$)/g));
      const texts = LANGUAGES.flatMap((language) => formsOf(MESSAGES[language][key]));
      const blanks = texts.flatMap((form) => all(form, /\{(\w+)\}/g));
      assert.deepEqual(
        blanks.filter((blank) => !filled.has(blank)),
        [],
        `${path}: ${key}`,
      );
      assert.ok(typeof ENGLISH[key] === "string" || filled.has("n"), `${path}: ${key} counts, and is not told what`);
    }
  }
});

test("no view has texts of its own", () => {
  const spoken = /(?:text|aria-label|placeholder|title|alt): "([^"]*[A-Za-z]{2}[^"]*)"/g;
  const own = SOURCES.flatMap(({ path, text }) => all(text, spoken).map((words) => `${path}: ${words}`));
  assert.deepEqual(
    own.filter((one) => !one.endsWith(": Hubbub")),
    [],
  );
});

test("no sentence is built from parts", () => {
  const patterns = [
    /\$\{t\(/, // inside a template
    /\bt\((?:[^()]|\([^()]*\))*\)\s*\+|\+\s*t\(/, // added to another text
    /\bt\([^()]*\bt\(/, // the blank of another message
    /\[[^[\]]*\bt\([^[\]]*\]\s*\.join\(/, // joined in a list
  ];
  const built = SOURCES.flatMap(({ path, text }) =>
    patterns.flatMap((pattern) => text.match(new RegExp(pattern, "g")) ?? []).map((found) => `${path}: ${found}`),
  );
  assert.deepEqual(built, []);
  for (const code of ["`${t(\"a.b\")} `", "t(\"a.b\") + name", "t(\"a.b\", { mode: t(\"c.d\") })", "[t(\"a.b\"), x].join(\", \")"]) {
    assert.ok(patterns.some((pattern) => pattern.test(code)), code);
  }
});
