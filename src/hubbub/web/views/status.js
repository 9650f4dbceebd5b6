/** Status screens: one sentence for the whole screen, an icon and what can be done. */
import { el, put, syncList } from "./dom.js";
import { icon } from "./icons.js";
import { codeTiles } from "./tiles.js";

/** The view of every status screen; `actions.chooseStatusAction(id)` is called with the id of the pressed button. */
export function statusView(actions, t) {
  const glyph = el("div", { class: "door-glyph" });
  const title = el("h1", { class: "title", tabindex: "-1" });
  const text = el("p", { class: "lead", dir: "auto" });
  const tiles = codeTiles("large");
  const buttons = el("div", { class: "door-actions" });
  // One status follows another under the same heading. Without the role a screen reader would not read the change.
  const words = el("div", { class: "door-words", role: "status" }, title, text);
  const root = el("section", { class: "door" }, glyph, tiles.root, words, buttons);
  let drawnGlyph = null;
  return {
    root,
    draw(model) {
      put(root, { "data-tone": model.tone, "data-kind": model.kind, "data-busy": model.busy });
      if (drawnGlyph !== model.glyph) glyph.replaceChildren(icon(model.glyph));
      drawnGlyph = model.glyph;
      const isBlank = model.kind === "starting";
      put(tiles.root, { hidden: model.code === null && !isBlank });
      const label = model.code === null ? model.title : t("party.code", { code: [...model.code].join(" ") });
      tiles.draw(model.code, label);
      put(title, { text: model.title });
      put(text, { text: model.text, hidden: model.text === "" });
      syncList(buttons, model.actions, (action) => actionButton(action, actions));
      [...buttons.children].forEach((button, at) =>
        put(button, { class: `button ${at === 0 && !model.busy ? "button-main" : ""}` }),
      );
    },
  };
}

function actionButton({ id }, actions) {
  const press = () => actions.chooseStatusAction(id);
  const button = el("button", { type: "button", "data-action": id, on: { click: press } });
  return { root: button, draw: (item) => put(button, { text: item.label }) };
}
