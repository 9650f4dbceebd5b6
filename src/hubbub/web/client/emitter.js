/** Listeners by name. What one of them throws is reported as an uncaught error and harms nobody else. */

export class Emitter {
  #listeners;

  /** @param {string[]} names those that can be listened to */
  constructor(names) {
    this.#listeners = new Map(names.map((name) => [name, new Set()]));
  }

  /**
   * @param {string} name
   * @param {Function} listener
   * @returns {() => void} stops listening
   * @throws {TypeError} where there is no such name
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) throw new TypeError(`There is no "${name}" to listen to`);
    // Wrapped, so that the same function can listen twice and each stops by itself.
    const entry = { listener };
    listeners.add(entry);
    return () => listeners.delete(entry);
  }

  /** Tell all listeners, in the order of their coming, as long as it `isWanted`. */
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
