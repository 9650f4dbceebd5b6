/** One socket's life. Once it is let go, nothing of it is heard any more, however late it speaks. */

/** The close code of a connection that was lost, as browsers tell it. */
export const LOST = 1006;

const NORMAL = 1000;

export class Connection {
  #socket = null;
  #hooks;
  #isOpen = false;
  #isGone = false;

  /**
   * @param {object} world
   * @param {string} url
   * @param {object} hooks
   * @param {() => void} hooks.opened
   * @param {(messages: object[]) => void} hooks.heard all of one frame; none where it could not be understood
   * @param {(code: number, reason: string) => void} hooks.closed called at most once
   */
  constructor(world, url, hooks) {
    this.#hooks = hooks;
    try {
      this.#socket = world.open(url);
    } catch {
      // Told later, like any other loss: whoever opens a connection is not ready to hear of its end yet.
      world.after(0, () => this.#closed(LOST, ""));
      return;
    }
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = (text) => this.#heard(text);
    this.#socket.onclose = (code, reason) => this.#closed(code ?? LOST, reason ?? "");
  }

  get isOpen() {
    return this.#isOpen && !this.#isGone;
  }

  /** Send text; what cannot be sent is lost, and the socket will say that it is closed. */
  send(text) {
    if (!this.isOpen) return;
    try {
      this.#socket.send(text);
    } catch {
      // A socket that is closing: its end is on the way.
    }
  }

  /** Let the socket go and hear no more of it. */
  close() {
    if (this.#isGone) return;
    this.#isGone = true;
    try {
      this.#socket?.close(NORMAL);
    } catch {
      // It could not even be closed: it is of no use to anybody.
    }
  }

  #opened() {
    if (this.#isGone) return;
    this.#isOpen = true;
    this.#hooks.opened();
  }

  #heard(text) {
    if (!this.#isGone) this.#hooks.heard(messagesOf(text));
  }

  #closed(code, reason) {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#hooks.closed(code, reason);
  }
}

/** The messages of a frame: an object alone or an array of several; what is no message is left out. */
function messagesOf(text) {
  let decoded;
  try {
    decoded = typeof text === "string" ? JSON.parse(text) : null;
  } catch {
    return [];
  }
  return [decoded].flat().filter((message) => typeof message?.t === "string");
}
