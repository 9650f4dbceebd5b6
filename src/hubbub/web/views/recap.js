/** The recap of a party: figures, and a picture of them. */
import { el, put, syncList } from "./dom.js";
import { icon } from "./icons.js";
import { drawRecap } from "./recap_picture.js";

/** The recap's view. Of `actions` it needs `sharePicture(blob)`, `savePicture(blob)`, `home` and `startAgain`. */
export function recapView(actions, t) {
  const title = el("h1", { class: "title", tabindex: "-1", text: t("recap.title") });
  const cause = el("p", { class: "lead", dir: "auto" });
  const lasted = el("p", { class: "recap-lasted" });
  const figures = el("dl", { class: "figures" });
  const top = el("p", { class: "recap-top", "aria-hidden": "true" });
  const canvas = el("canvas", { class: "picture", role: "img", "aria-label": t("recap.picture") });
  const picture = () => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const share = el(
    "button",
    {
      type: "button",
      class: "button button-main",
      "data-action": "share",
      on: { click: async () => actions.sharePicture(await picture()) },
    },
    icon("share"),
    el("span", { text: t("recap.share") }),
  );
  const save = el(
    "button",
    {
      type: "button",
      class: "button",
      "data-action": "save",
      on: { click: async () => actions.savePicture(await picture()) },
    },
    icon("copy"),
    el("span", { text: t("recap.save") }),
  );
  const root = el(
    "section",
    { class: "recap" },
    el(
      "div",
      { class: "recap-words" },
      title,
      cause,
      lasted,
      figures,
      top,
      el("div", { class: "row" }, share, save),
      el(
        "div",
        { class: "row" },
        el("button", {
          type: "button",
          class: "button",
          text: t("recap.again"),
          on: { click: () => actions.startAgain() },
        }),
        el("button", {
          type: "button",
          class: "button",
          text: t("door.action.home"),
          on: { click: () => actions.home() },
        }),
      ),
    ),
    canvas,
  );
  let drawn = null;
  return {
    root,
    draw(model) {
      put(cause, { text: model.cause });
      put(lasted, { text: model.lasted.text });
      syncList(figures, model.figures, figureRow);
      put(top, { text: model.top.join(" "), hidden: model.top.length === 0 });
      put(share, { hidden: !model.canShare });
      put(save, { class: `button ${model.canShare ? "" : "button-main"}` });
      const picture = JSON.stringify(model);
      if (drawn !== picture) drawRecap(canvas, model);
      drawn = picture;
    },
  };
}

function figureRow() {
  const figure = el("dt", { class: "figure" });
  const label = el("dd", { class: "figure-label" });
  return {
    root: el("div", { class: "figure-box" }, figure, label),
    draw(item) {
      put(figure, { text: item.figure });
      put(label, { text: item.label });
    },
  };
}
