/** The home screen and the page of a link. */
import { NAME_CHARS_MAX } from "../core/contract.js";
import { el, limitChars, put, submitted, syncList } from "./dom.js";
import { icon, logo } from "./icons.js";
import { codeEntry, codeTiles } from "./tiles.js";

/** The start screen. Of `actions` it needs `start`, `enterCode`, `onNameInput`, `go` and `openRecap`. */
export function homeView(actions, t) {
  const entry = codeEntry({
    label: t("home.code"),
    hint: t("home.codeHint"),
    entered: (code, typed) => actions.enterCode(code, typed, name.field.value),
  });
  const name = nameField(t);
  name.field.addEventListener("input", () => actions.onNameInput(name.field.value));
  const back = backCard(actions);
  const recaps = el("ul", { class: "recap-list" });
  const kept = el("section", { class: "stack" }, el("h2", { class: "label", text: t("home.recaps") }), recaps);
  const root = el(
    "section",
    { class: "home" },
    el(
      "header",
      { class: "brand" },
      logo(),
      el("h1", { class: "wordmark", text: "Hubbub", tabindex: "-1" }),
      el("p", { class: "tagline", text: t("home.tagline") }),
    ),
    el(
      "div",
      { class: "home-ways" },
      back.root,
      name.root,
      el("section", { class: "card join-card", "aria-label": t("home.join") }, entry.root),
      el("p", { class: "divider", "aria-hidden": "true", text: t("home.or") }),
      el(
        "button",
        { type: "button", class: "button button-main button-large", on: { click: () => actions.start(name.field.value) } },
        icon("spark"),
        el("span", { text: t("home.start") }),
      ),
      kept,
    ),
  );
  let drawn = false;
  return {
    root,
    paste: entry.take,
    draw(model) {
      if (!drawn) name.field.value = model.name;
      drawn = true;
      back.draw(model.back);
      put(kept, { hidden: model.recaps.length === 0 });
      syncList(
        recaps,
        model.recaps.map((recap) => ({ ...recap, id: recap.code })),
        (recap) => recapRow(recap, actions),
      );
    },
  };
}

let fields = 0;

/** A labelled field for a name. */
export function nameField(t) {
  fields += 1;
  const id = `name-${fields}`;
  const field = el("input", {
    id,
    name: "name",
    type: "text",
    class: "field",
    autocomplete: "nickname",
    autocapitalize: "words",
    enterkeyhint: "done",
    placeholder: t("name.placeholder"),
    dir: "auto",
  });
  limitChars(field, NAME_CHARS_MAX);
  const root = el(
    "div",
    { class: "stack-tight" },
    el("label", { for: id, class: "label", text: t("name.label") }),
    field,
  );
  return { root, field };
}

function backCard(actions) {
  const tiles = codeTiles("small");
  const title = el("strong", { class: "back-title" });
  const text = el("span", { class: "muted", dir: "auto" });
  let code = null;
  const root = el(
    "a",
    {
      class: "card back-card",
      on: { click: submitted(() => actions.go(`/p/${code}`)) },
    },
    tiles.root,
    el("span", { class: "back-words" }, title, text),
  );
  return {
    root,
    draw(back) {
      put(root, { hidden: back === null, href: back === null ? null : `/p/${back.code}` });
      if (back === null) return;
      code = back.code;
      tiles.draw(back.code, back.code);
      put(title, { text: back.title });
      put(text, { text: back.text });
    },
  };
}

function recapRow(recap, actions) {
  const link = el("a", {
    class: "text-link",
    href: `/#recap/${recap.code}`,
    dir: "auto",
    on: { click: submitted(() => actions.openRecap(recap.code)) },
  });
  return { root: el("li", {}, link), draw: (item) => put(link, { text: item.text }) };
}

/** The page behind a link: whose party it is, how many are there, and one button. `actions.join(name)`. */
export function linkView(actions, t) {
  const tiles = codeTiles("large");
  const title = el("h1", { class: "title", tabindex: "-1", dir: "auto" });
  const count = el("p", { class: "lead" });
  const away = el("p", { class: "muted", dir: "auto" });
  const name = nameField(t);
  const label = el("span", { dir: "auto" });
  const relabel = () => {
    const typed = name.field.value.trim();
    put(label, { text: typed === "" ? t("link.join") : t("link.joinAs", { name: typed }) });
  };
  name.field.addEventListener("input", () => {
    relabel();
    actions.onNameInput(name.field.value);
  });
  const root = el(
    "form",
    { class: "door link", on: { submit: submitted(() => actions.join(name.field.value)) } },
    tiles.root,
    title,
    count,
    away,
    name.root,
    el("button", { type: "submit", class: "button button-main button-large" }, icon("door"), label),
  );
  let drawn = false;
  return {
    root,
    draw(model) {
      if (!drawn) name.field.value = model.name;
      drawn = true;
      relabel();
      tiles.draw(model.code, t("party.code", { code: [...model.code].join(" ") }));
      put(title, { text: model.title });
      put(count, { text: model.count });
      put(away, { text: model.hostAway ?? "", hidden: model.hostAway === null });
    },
  };
}
