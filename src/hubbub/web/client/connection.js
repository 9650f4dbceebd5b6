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
   * @param {() => void} hooks.onOpen
   * @param {(messages: object[]) => void} hooks.onMessages all of one frame; none where it could not be understood
   * @param {(code: number, reason: string) => void} hooks.onClosed called at most once
   */
  constructor(platform, url, hooks) {
    this.#hooks = hooks;
    try {
      this.#socket = platform.open(url);
    } catch {
      // Told later, like any other loss: whoever opens a connection is not ready to hear of its end yet.
      platform.after(0, () => this.#onClose(LOST, ""));
      return;
    }
    this.#socket.onopen = () => this.#onOpen();
    this.#socket.onmessage = (text) => this.#onMessage(text);
    this.#socket.onclose = (code, reason) => this.#onClose(code ?? LOST, reason ?? "");
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

  #onOpen() {
    if (this.#isGone) return;
    this.#isOpen = true;
    this.#hooks.onOpen();
  }

  #onMessage(text) {
    if (!this.#isGone) this.#hooks.onMessages(messagesOf(text));
  }

  #onClose(code, reason) {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#hooks.onClosed(code, reason);
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
