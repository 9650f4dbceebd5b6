/** Whole-screen states: words, a drawing of their own, and what can be done. */
import { el, keepList, put } from "./dom.js";
import { icon } from "./icons.js";
import { codeTiles } from "./tiles.js";

/** A door's view; `act.door(id)` is called with the id of what was chosen. */
export function doorView(act, say) {
  const glyph = el("div", { class: "door-glyph" });
  const title = el("h1", { class: "title", tabindex: "-1" });
  const text = el("p", { class: "lead", dir: "auto" });
  const tiles = codeTiles("large");
  const actions = el("div", { class: "door-actions" });
  // One door becomes another under the same heading, so its words tell of themselves.
  const words = el("div", { class: "door-words", role: "status" }, title, text);
  const root = el("section", { class: "door" }, glyph, tiles.root, words, actions);
  let drawnGlyph = null;
  return {
    root,
    draw(model) {
      put(root, { "data-tone": model.tone, "data-kind": model.kind, "data-busy": model.busy });
      if (drawnGlyph !== model.glyph) glyph.replaceChildren(icon(model.glyph));
      drawnGlyph = model.glyph;
      const blank = model.kind === "starting";
      put(tiles.root, { hidden: model.code === null && !blank });
      const label = model.code === null ? model.title : say("party.code", { code: [...model.code].join(" ") });
      tiles.draw(model.code, label);
      put(title, { text: model.title });
      put(text, { text: model.text, hidden: model.text === "" });
      keepList(actions, model.actions, (action) => actionButton(action, act));
      [...actions.children].forEach((button, at) =>
        put(button, { class: `button ${at === 0 && !model.busy ? "button-main" : ""}` }),
      );
    },
  };
}

function actionButton(action, act) {
  const button = el("button", { type: "button", "data-action": action.id, on: { click: () => act.door(action.id) } });
  return { root: button, draw: (item) => put(button, { text: item.label }) };
}
