/** The party's code as six tiles. */
import { codeWithin } from "../core/code.js";
import { CODE_LENGTH } from "../core/contract.js";
import { el, put } from "./dom.js";

/** Tiles that show a code. `draw(code, label)`: null is six blank tiles. */
export function codeTiles(size) {
  const cells = blankCells();
  const root = el("p", { class: `tiles tiles-${size}`, role: "img" }, ...cells);
  return {
    root,
    draw(code, label) {
      cells.forEach((cell, at) => put(cell, { text: code?.[at] ?? "", "data-blank": code === null }));
      put(root, { "aria-label": label });
    },
  };
}

/**
 * Tiles to type into. One real field lies over them, so that keyboards, pasting and code suggestions work as
 * everywhere; `entered(code, typed)` is called at the sixth character.
 */
export function codeEntry({ label, hint, entered }) {
  const cells = blankCells();
  const field = el("input", {
    id: "code",
    name: "code",
    type: "text",
    class: "entry-field",
    autocomplete: "one-time-code",
    autocapitalize: "characters",
    autocorrect: "off",
    spellcheck: "false",
    inputmode: "text",
    enterkeyhint: "go",
    "aria-describedby": "code-hint",
    on: { input: () => take(field.value), focus: () => show(), blur: () => show() },
  });
  const tiles = el("span", { class: "tiles tiles-entry", "aria-hidden": "true" }, ...cells);
  const root = el(
    "div",
    { class: "entry" },
    el("label", { for: "code", class: "label", text: label }),
    el("span", { class: "entry-box" }, tiles, field),
    el("p", { id: "code-hint", class: "hint", text: hint }),
  );

  function show() {
    const code = codeWithin(field.value);
    const active = document.activeElement === field ? Math.min(code.length, CODE_LENGTH - 1) : -1;
    cells.forEach((cell, at) =>
      put(cell, { text: code[at] ?? "", "data-blank": code[at] === undefined, "data-active": at === active }),
    );
  }

  /** Take what was typed. The field keeps it, so that `not_found` can show it unchanged. */
  function take(typed) {
    const code = codeWithin(typed);
    // A text without a code would stay invisible under the tiles, and the code typed next would be added to it.
    field.value = code === "" ? "" : typed;
    show();
    if (code.length === CODE_LENGTH) entered(code, typed.trim());
  }

  return { root, field, take };
}

function blankCells() {
  return Array.from({ length: CODE_LENGTH }, (_, at) => el("span", { class: `tile hue-${at + 1}`, "data-blank": true }));
}
