/** The wall: a party on a TV or projector. It has no buttons. */
import { lineRow } from "./chat.js";
import { el, put, sentenceAround, syncList } from "./dom.js";
import { nowPlaying } from "./music.js";
import { bannerView } from "./party.js";
import { faceOf } from "./people.js";
import { codeTiles } from "./tiles.js";

/** The wall's view. */
export function wallView(actions, t) {
  const heading = el("h1", { class: "wall-heading", tabindex: "-1", dir: "auto" });
  const banner = bannerView(actions);
  const tiles = codeTiles("wall");
  const address = el("strong", { class: "address" });
  const locked = el("p", { class: "wall-locked" });
  const qr = el("img", { class: "qr", alt: t("invite.qr") });
  const count = el("p", { class: "wall-count" });
  const faces = el("ul", { class: "faces", "aria-hidden": "true" });
  const lines = el("ol", { class: "lines wall-lines" });
  const quiet = el("p", { class: "empty" });
  const now = nowPlaying();
  const root = el(
    "section",
    { class: "wall" },
    banner.root,
    el("header", { class: "wall-head" }, heading, count, faces),
    el(
      "div",
      { class: "wall-way-in" },
      el("div", { class: "qr-box" }, qr),
      el("p", { class: "wall-join" }, ...sentenceAround(t.around("wall.join", "address"), address)),
      tiles.root,
      locked,
    ),
    el("div", { class: "wall-talk" }, lines, quiet),
    el("footer", { class: "wall-foot" }, now.root),
  );
  return {
    root,
    draw(model) {
      put(heading, { text: model.heading });
      banner.draw(model.banner);
      tiles.draw(model.invite.code, t("party.code", { code: [...model.invite.code].join(" ") }));
      put(address, { text: model.invite.address });
      put(locked, { text: model.locked ?? "", hidden: model.locked === null });
      put(qr, { src: model.invite.qr });
      put(count, { text: model.count });
      syncList(faces, model.faces, () => wallFace());
      syncList(lines, model.lines, lineRow);
      put(quiet, { text: model.quiet ?? "", hidden: model.quiet === null });
      put(now.root, { hidden: model.music === null });
      if (model.music !== null) now.draw(model.music);
    },
  };
}

function wallFace() {
  const face = faceOf();
  return { root: el("li", {}, face.root), draw: (item) => face.draw(item) };
}
