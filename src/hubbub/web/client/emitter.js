/** Listeners by name. An error of one listener is reported as uncaught and does not affect the others. */

export class Emitter {
  #listeners;

  /** @param {string[]} names the names to listen to */
  constructor(names) {
    this.#listeners = new Map(names.map((name) => [name, new Set()]));
  }

  /**
   * @param {string} name
   * @param {Function} listener
   * @returns {() => void} stops listening
   * @throws {TypeError} if there is no such name
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) throw new TypeError(`There is no "${name}" to listen to`);
    // Wrapped, so that the same function can listen twice and each stops by itself.
    const entry = { listener };
    listeners.add(entry);
    return () => listeners.delete(entry);
  }

  /** Call all listeners in the order of `on`, while `isWanted()` is true. */
  emit(name, value, isWanted = () => true) {
    const listeners = this.#listeners.get(name);
    for (const entry of [...listeners]) {
      if (listeners.has(entry) && isWanted()) call(entry.listener, value);
    }
  }
}

function call(listener, value) {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
