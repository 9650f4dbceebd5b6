/** The invitation: the code, the QR code, the link. */
import { el, put, sentenceAround } from "./dom.js";
import { icon } from "./icons.js";
import { codeTiles } from "./tiles.js";

/** The invitation's view; `actions.share()`, `actions.copy()`, `actions.setLocked(locked)`. */
export function inviteView(actions, t) {
  const tiles = codeTiles("huge");
  const address = el("strong", { class: "address" });
  const qr = el("img", { class: "qr", alt: t("invite.qr"), width: "264", height: "264" });
  const share = button("share", t("invite.share"), () => actions.share(), "button-main");
  const copy = button("copy", t("invite.copy"), () => actions.copy());
  const wall = el(
    "a",
    { class: "button", target: "_blank", rel: "noopener" },
    icon("wall"),
    el("span", { text: t("invite.wall") }),
  );
  const link = el("input", {
    class: "field link-field",
    readonly: true,
    "aria-label": t("invite.link"),
    on: { focus: () => link.select() },
  });
  const note = el("p", { class: "note" });
  const lock = lockSwitch(actions, t);
  const root = el(
    "section",
    { class: "panel panel-invite", "aria-labelledby": "invite-title", "data-part": "invite" },
    el("h2", { id: "invite-title", class: "visually-hidden", text: t("invite.title") }),
    tiles.root,
    el("p", { class: "invite-text" }, ...sentenceAround(t.around("invite.text", "address"), address)),
    el("div", { class: "qr-box" }, qr),
    el("div", { class: "row invite-row" }, share, copy, wall),
    link,
    note,
    lock.root,
  );
  return {
    root,
    draw(model) {
      tiles.draw(model.code, t("party.code", { code: [...model.code].join(" ") }));
      put(address, { text: model.address });
      put(qr, { src: model.qr });
      put(share, { hidden: !model.canShare });
      put(copy, { hidden: !model.canCopy, class: `button ${model.canShare ? "" : "button-main"}` });
      put(wall, { href: model.wall });
      put(link, { hidden: model.canCopy || model.link === null });
      link.value = model.link ?? "";
      put(note, { text: model.note ?? "", hidden: model.note === null });
      lock.draw(model);
    },
  };
}

function button(name, label, press, more = "") {
  return el(
    "button",
    { type: "button", class: `button ${more}`, "data-action": name, on: { click: press } },
    icon(name),
    el("span", { text: label }),
  );
}

function lockSwitch(actions, t) {
  let locked = false;
  const toggle = el("button", {
    type: "button",
    class: "switch",
    role: "switch",
    "aria-labelledby": "lock-label",
    on: { click: () => actions.setLocked(!locked) },
  });
  const host = el(
    "div",
    { class: "lock" },
    el(
      "div",
      { class: "lock-words" },
      el("span", { id: "lock-label", text: t("invite.lock") }),
      el("span", { class: "muted", text: t("invite.lockHint") }),
    ),
    toggle,
  );
  const told = el("p", { class: "note" }, icon("lock"), el("span", { text: t("invite.locked") }));
  return {
    root: el("div", {}, host, told),
    draw(model) {
      locked = model.locked;
      put(host, { hidden: model.lock === null });
      put(toggle, { "aria-checked": String(locked) });
      put(told, { hidden: model.lock !== null || !locked });
    },
  };
}
