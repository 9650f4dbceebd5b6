/** The screens: those that are there from the start, and those that are fetched when they are due. */

const RETRY_MS = 2000;

/**
 * `ready` has screens by name, `later` functions that fetch one; a screen is `{ view, model }`. `onCome()` is called
 * whenever one has come.
 */
export class Screens {
  #ready;
  #later;
  #coming = new Set();
  #timers;
  #onCome;

  constructor(ready, later, timers, onCome) {
    this.#ready = { ...ready };
    this.#later = later;
    this.#timers = timers;
    this.#onCome = onCome;
  }

  /** The screen, or null as long as it has not come. */
  get(name) {
    this.fetch(name);
    return this.#ready[name] ?? null;
  }

  /** Fetch a screen that will be wanted soon. What fails is tried again: there may be no network just now. */
  fetch(name) {
    if (this.#ready[name] !== undefined || this.#coming.has(name)) return;
    this.#coming.add(name);
    this.#later[name]().then(
      (screen) => {
        this.#ready[name] = screen;
        this.#onCome();
      },
      () => {
        this.#timers.after(RETRY_MS, () => {
          this.#coming.delete(name);
          this.fetch(name);
        });
      },
    );
  }
}

/** Add a style sheet of the app, by its name; resolves when it is in force. */
export function styled(name) {
  const id = `style-${name}`;
  const there = document.getElementById(id);
  if (there !== null) return there.isThere;
  const link = document.createElement("link");
  link.id = id;
  link.rel = "stylesheet";
  link.href = new URL(`../style/${name}.css`, import.meta.url).href;
  link.isThere = new Promise((resolve, reject) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(`the style sheet ${name} did not come`));
    });
  });
  document.head.append(link);
  return link.isThere;
}
