/** Makes and changes elements; what has not changed is not touched. */
import { excessChars, firstChars } from "../core/text.js";

/** Make an element. In `props`: `text`, `on: { event: listener }`, and attributes; null and false leave one out. */
export function el(tag, props = {}, ...children) {
  const { on = {}, ...rest } = props;
  const node = document.createElement(tag);
  put(node, rest);
  for (const [type, listener] of Object.entries(on)) node.addEventListener(type, listener);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Change `text` and attributes of an element where they differ; null and false take an attribute away. */
export function put(node, { text, ...attributes }) {
  if (text !== undefined && node.textContent !== text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

/**
 * Keep a field to `max` characters as the server counts them. The attribute `maxlength` counts UTF-16 units: an emoji
 * is two or more, so it would cut a title of 300 emoji that the server takes.
 */
export function limitChars(field, max) {
  const cut = (event) => {
    // Text that an input method is still composing must not be changed: the composition would break.
    if (event.isComposing || excessChars(field.value, max) === 0) return;
    const end = field.selectionEnd;
    field.value = firstChars(field.value, max);
    field.setSelectionRange(end, end);
  };
  field.addEventListener("input", cut);
  field.addEventListener("compositionend", cut);
}

/** Return the nodes of a sentence with an element in the place of its blank; see `t.around`. */
export function sentenceAround([before, after], node) {
  return [el("span", { text: before }), node, el("span", { text: after })];
}

const lists = new WeakMap();

/**
 * Make the children of `parent` match `items`. `make(item)` gives `{ root, draw(item) }`; a row is drawn
 * again only for another object, and nodes that can stay where they are stay, so that focus and scrolling survive.
 */
export function syncList(parent, items, make) {
  const rows = lists.get(parent) ?? new Map();
  lists.set(parent, rows);
  const wanted = new Set(items.map((item) => item.id));
  for (const [id, row] of rows) {
    if (wanted.has(id)) continue;
    row.root.remove();
    rows.delete(id);
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const row = rows.get(item.id) ?? added(rows, item, make);
    if (row.item !== item) row.draw(item);
    row.item = item;
    if (row.root === place) place = place.nextElementSibling;
    else parent.insertBefore(row.root, place);
  }
}

function added(rows, item, make) {
  const row = make(item);
  rows.set(item.id, row);
  return row;
}

/** Close all open dialogs: what they ask about is gone. */
export function closeSheets() {
  for (const sheet of document.querySelectorAll("dialog[open]")) sheet.close();
}

/** A submit listener that stays on the page. */
export function submitted(handle) {
  return (event) => {
    event.preventDefault();
    handle();
  };
}
