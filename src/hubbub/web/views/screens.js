/** The screens: some are loaded with the page, the others when they are due. */

const RETRY_MS = 2000;

/**
 * `ready` has screens by name, `later` functions that fetch one; a screen is `{ view, model }`. `onCome()` is called
 * after each has been loaded.
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

  /** Return the screen, or null until it is loaded. */
  get(name) {
    this.fetch(name);
    return this.#ready[name] ?? null;
  }

  /** Load a screen. A failure is retried: there may be no network right now. */
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
