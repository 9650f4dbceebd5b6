/** The party's screen: head, banner, and four panels that are tabs on a phone and columns on a laptop. */
import { nameField } from "./home.js";
import { chatView } from "./chat.js";
import { closeSheets, el, put, submitted, syncList } from "./dom.js";
import { iconButton, openMenu } from "./dialogs.js";
import { icon } from "./icons.js";
import { inviteView } from "./invite.js";
import { musicView, nowPlaying } from "./music.js";
import { peopleView } from "./people.js";
import { codeTiles } from "./tiles.js";

/** The party's view; `actions` has what its parts ask for, and `showTab(tab)`, `tryNow()`, `submitName(name)`. */
export function partyView(actions, t) {
  let shown = null;
  const head = headView(() => openMenu(shown, actions, t), t);
  const banner = bannerView(actions);
  const nameCard = nameCardView(actions, t);
  const strip = nowPlaying();
  put(strip.root, { class: "now-playing strip" });
  const panels = {
    invite: inviteView(actions, t),
    chat: chatView(actions, t),
    people: peopleView(actions, t),
    music: musicView(actions, t),
  };
  const tabs = tabBar(actions, t);
  const root = el(
    "section",
    { class: "party" },
    head.root,
    el("div", { class: "under-head" }, banner.root, nameCard.root, strip.root),
    el("div", { class: "panels" }, ...Object.values(panels).map((panel) => panel.root)),
    tabs.root,
  );
  return {
    root,
    draw(model) {
      if (shown !== null && shown.isHost !== model.isHost) closeSheets();
      shown = model;
      put(root, { "data-host": model.isHost });
      head.draw(model);
      banner.draw(model.banner);
      nameCard.draw(model.nameCard);
      put(strip.root, { hidden: model.strip === null });
      if (model.strip !== null) strip.draw(model.strip);
      for (const [id, panel] of Object.entries(panels)) {
        put(panel.root, { "data-shown": id === model.shown, hidden: !model.tabs.some((tab) => tab.id === id) });
        panel.draw(model[id]);
      }
      tabs.draw(model.tabs);
    },
  };
}

function headView(openTheMenu, t) {
  const tiles = codeTiles("small");
  const heading = el("h1", { class: "party-heading", tabindex: "-1", dir: "auto" });
  const count = el("span", { class: "muted" });
  const dot = el("span", { class: "dot", role: "img" });
  const root = el(
    "header",
    { class: "party-head" },
    tiles.root,
    el("div", { class: "party-words" }, heading, el("p", { class: "party-count" }, dot, count)),
    iconButton("menu", t("party.menu"), openTheMenu),
  );
  return {
    root,
    draw(model) {
      tiles.draw(model.code, model.codeLabel);
      put(heading, { text: model.heading });
      put(count, { text: model.count });
      put(dot, { "data-live": model.link.live, "aria-label": model.link.label, title: model.link.label });
    },
  };
}

/** The banner that says what is wrong; also used by the wall. */
export function bannerView(actions) {
  const text = el("span", { dir: "auto" });
  const button = el("button", { type: "button", class: "banner-button", on: { click: () => actions.tryNow() } });
  const strip = el("div", { class: "banner" }, text, button);
  return {
    // The region is always there: screen readers ignore a region that appears together with its text.
    root: el("div", { class: "banner-place", role: "status" }, strip),
    draw(banner) {
      put(strip, { "data-tone": banner?.tone ?? null, hidden: banner === null });
      put(text, { text: banner?.text ?? "" });
      put(button, { hidden: !banner?.action, text: banner?.action?.label ?? "" });
    },
  };
}

function nameCardView(actions, t) {
  const name = nameField(t);
  const title = el("h2", { class: "panel-title" });
  const text = el("p", { class: "muted", dir: "auto" });
  const root = el(
    "form",
    { class: "card name-card", on: { submit: submitted(() => actions.submitName(name.field.value)) } },
    el(
      "header",
      { class: "sheet-head" },
      title,
      iconButton("close", t("menu.close"), () => actions.submitName("")),
    ),
    text,
    el(
      "div",
      { class: "row" },
      name.field,
      el("button", { type: "submit", class: "button button-main", text: t("name.save") }),
    ),
  );
  put(name.field, { "aria-label": t("name.label") });
  return {
    root,
    draw(card) {
      put(root, { hidden: card === null });
      put(title, { text: card?.title ?? "" });
      put(text, { text: card?.text ?? "" });
    },
  };
}

function tabBar(actions, t) {
  const root = el("nav", { class: "tabs", "aria-label": t("party.sections") });
  return {
    root,
    draw(tabs) {
      syncList(root, tabs, (tab) => {
        const label = el("span", {});
        const unread = el("span", { class: "unread" });
        const button = el(
          "button",
          { type: "button", class: "tab", "data-tab": tab.id, on: { click: () => actions.showTab(tab.id) } },
          icon(tab.id),
          label,
          unread,
        );
        return {
          root: button,
          draw(item) {
            put(label, { text: item.label });
            put(unread, { text: item.unread === 0 ? "" : String(item.unread), hidden: item.unread === 0 });
            put(button, { "aria-current": item.chosen ? "true" : null });
          },
        };
      });
    },
  };
}
