/** The roster. */
import { el, put, syncList } from "./dom.js";
import { iconButton, openGuestMenu } from "./dialogs.js";
import { icon } from "./icons.js";

/** The roster's view; `actions.kick(id, name)` and `actions.promote(id, name)` ask before they do it. */
export function peopleView(actions, t) {
  const count = el("span", { class: "pill" });
  const list = el("ul", { class: "roster" });
  const more = el("p", { class: "muted roster-more" });
  const empty = el("p", { class: "empty" });
  const root = el(
    "section",
    { class: "panel panel-people", "aria-labelledby": "people-title", "data-part": "people" },
    el(
      "header",
      { class: "panel-head" },
      el("h2", { id: "people-title", class: "panel-title", text: t("people.title") }),
      count,
    ),
    el(
      "div",
      { class: "roster-box", tabindex: "0", role: "group", "aria-labelledby": "people-title" },
      list,
      more,
      empty,
    ),
  );
  return {
    root,
    draw(model) {
      put(count, { text: model.count });
      syncList(list, model.rows, (row) => personRow(row, actions, t));
      put(more, { text: model.more ?? "", hidden: model.more === null });
      put(empty, { text: model.empty ?? "", hidden: model.empty === null });
    },
  };
}

function personRow(row, actions, t) {
  const face = faceOf();
  const name = el("bdi", {});
  const you = el("span", { class: "tag", text: t("people.you") });
  const host = el("span", { class: "tag tag-host" }, icon("crown"), el("span", { text: t("people.host") }));
  const away = el("span", { class: "tag tag-away", text: t("people.away"), title: t("people.awayTitle") });
  let shown = row;
  const menu = iconButton("menu", "", () => openGuestMenu(shown, actions, t));
  const root = el(
    "li",
    { class: "person", "data-id": row.id },
    face.root,
    el("span", { class: "person-name" }, name),
    el("span", { class: "tags" }, you, host, away),
    menu,
  );
  return {
    root,
    draw(item) {
      shown = item;
      face.draw(item);
      put(root, { "data-away": !item.connected });
      put(name, { text: item.name });
      put(you, { hidden: !item.isMe });
      put(host, { hidden: !item.isHost });
      put(away, { hidden: item.connected });
      const label = t("people.actions", { name: item.name });
      put(menu, { hidden: !item.canManage, "aria-label": label, title: label });
    },
  };
}

/** A member's round picture: the first character of the name on the member's colour. */
export function faceOf() {
  const root = el("span", { class: "face", "aria-hidden": "true" });
  return {
    root,
    draw: (item) => put(root, { text: item.initial, class: `face hue-${item.hue}`, "data-away": !item.connected }),
  };
}
