/** Puts one screen at a time on the page, moves the focus to what is new, and speaks to screen readers. */
import { closeSheets, el, put } from "./dom.js";

/** `show(key, make, model)` draws a screen; if `key` has changed, it makes the screen first. */
export class ScreenHost {
  #root;
  #voice;
  #notice;
  #key = null;
  #view = null;

  constructor({ root, voice, notice }) {
    this.#root = root;
    this.#voice = voice;
    this.#notice = notice;
  }

  get view() {
    return this.#view;
  }

  show(key, make, model) {
    if (key !== this.#key) this.#change(key, make());
    this.#view.draw(model);
  }

  #change(key, view) {
    const isFirst = this.#key === null;
    this.#key = key;
    this.#view = view;
    closeSheets();
    this.#root.replaceChildren(view.root);
    put(document.documentElement, { "data-screen": key.split(":")[0] });
    window.scrollTo(0, 0);
    // A heading that takes the focus is read out, and the next Tab starts from there. A page just loaded keeps its own.
    if (!isFirst) view.root.querySelector("h1")?.focus({ preventScroll: true });
  }

  /** A sentence for screen readers, when they have finished the last one. */
  announce(text) {
    // The same text again is no change: without the space a screen reader would not read it.
    put(this.#voice, { text: this.#voice.textContent === text ? `${text}\u00a0` : text });
  }

  /** Show a sentence on the screen until `text` is null. */
  notice(text) {
    if (this.#notice.textContent === (text ?? "")) return;
    // The region is always there: screen readers ignore a region that appears together with its text.
    this.#notice.replaceChildren(...(text === null ? [] : [el("p", { class: "notice", text })]));
  }
}
