/** Dialogs. The browser's own element keeps the focus inside and gives it back. */
import { nameField } from "./home.js";
import { el, submitted } from "./dom.js";
import { icon } from "./icons.js";

/** Ask before something that cannot be undone; resolves to whether it was confirmed. */
export function askToConfirm({ title, text, yes, no }) {
  return new Promise((resolve) => {
    const dialog = el(
      "dialog",
      { class: "sheet", "aria-labelledby": "sheet-title" },
      el("h2", { id: "sheet-title", class: "sheet-title", text: title, dir: "auto" }),
      el("p", { class: "muted", text, dir: "auto" }),
      el(
        "div",
        { class: "sheet-actions" },
        el("button", {
          type: "button",
          class: "button button-danger",
          "data-action": "yes",
          text: yes,
          on: { click: () => dialog.close("yes") },
        }),
        el("button", {
          type: "button",
          class: "button",
          "data-action": "no",
          text: no,
          autofocus: true,
          on: { click: () => dialog.close() },
        }),
      ),
    );
    open(dialog, () => resolve(dialog.returnValue === "yes"));
  });
}

/** The menu of a party: another name, the way out. */
export function openMenu(model, actions, t) {
  const name = nameField(t);
  name.field.value = model.myName;
  const close = () => dialog.close();
  const out = model.isHost ? "end" : "leave";
  const dialog = el(
    "dialog",
    { class: "sheet", "aria-labelledby": "sheet-title" },
    el(
      "header",
      { class: "sheet-head" },
      el("h2", { id: "sheet-title", class: "sheet-title", text: t("menu.title") }),
      iconButton("close", t("menu.close"), close),
    ),
    el(
      "form",
      {
        class: "stack",
        on: {
          submit: submitted(() => {
            actions.rename(name.field.value);
            close();
          }),
        },
      },
      name.root,
      el("button", { type: "submit", class: "button", text: t("name.save") }),
    ),
    el(
      "button",
      {
        type: "button",
        class: "button button-danger",
        "data-action": out,
        on: {
          click: () => {
            close();
            actions[out]();
          },
        },
      },
      icon("out"),
      el("span", { text: t(`menu.${out}`) }),
    ),
  );
  open(dialog, () => {});
}

/** What can be done with one guest; nothing happens without a confirmation. */
export function openGuestMenu(row, actions, t) {
  const choose = (action) => () => {
    dialog.close();
    actions[action](row.id, row.name);
  };
  const dialog = el(
    "dialog",
    { class: "sheet", "aria-labelledby": "sheet-title" },
    el(
      "header",
      { class: "sheet-head" },
      el("h2", { id: "sheet-title", class: "sheet-title", text: row.name, dir: "auto" }),
      iconButton("close", t("menu.close"), () => dialog.close()),
    ),
    el(
      "button",
      { type: "button", class: "button", "data-action": "promote", on: { click: choose("promote") } },
      icon("crown"),
      el("span", { text: t("people.promote", { name: row.name }), dir: "auto" }),
    ),
    el(
      "button",
      { type: "button", class: "button button-danger", "data-action": "kick", on: { click: choose("kick") } },
      icon("out"),
      el("span", { text: t("people.kick", { name: row.name }), dir: "auto" }),
    ),
  );
  open(dialog, () => {});
}

/** A round button that is only a drawing; `label` is what it is called. */
export function iconButton(name, label, press) {
  return el(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: press } },
    icon(name),
  );
}

function open(dialog, closed) {
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  // A drag that selects text may end outside. Only a press that also began there closes the dialog.
  let isOutside = false;
  dialog.addEventListener("pointerdown", (event) => (isOutside = event.target === dialog));
  dialog.addEventListener("click", (event) => {
    if (isOutside && event.target === dialog) dialog.close();
  });
  dialog.append(el("div", { class: "sheet-box" }, ...dialog.childNodes));
  document.body.append(dialog);
  dialog.showModal();
}
