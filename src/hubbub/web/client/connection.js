/** One socket. Once it is closed, whatever still comes from it is ignored. */

// Close codes of RFC 6455 that only this end uses; the server's are in core/contract.js.
const NORMAL = 1000;
export const GOING_AWAY = 1001;
/** A connection that was lost: browsers report it, nobody sends it. */
export const LOST = 1006;

export class Connection {
  #socket = null;
  #hooks;
  #isOpen = false;
  #isGone = false;

  /**
   * @param {object} platform
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
      // Report it later, like any other loss: the caller does not hold this connection yet.
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

  /** Send text. What cannot be sent is lost, and `onClosed` follows. */
  send(text) {
    if (!this.isOpen) return;
    try {
      this.#socket.send(text);
    } catch {
      // The socket is closing: its close event follows.
    }
  }

  /** Close the socket and ignore whatever still comes from it. */
  close() {
    if (this.#isGone) return;
    this.#isGone = true;
    try {
      this.#socket?.close(NORMAL);
    } catch {
      // A socket that throws on close holds nothing that is to be released.
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

/** Return the messages of a frame: one object or an array of several. What is not a message is left out. */
function messagesOf(text) {
  let decoded;
  try {
    decoded = typeof text === "string" ? JSON.parse(text) : null;
  } catch {
    return [];
  }
  return [decoded].flat().filter((message) => typeof message?.t === "string");
}
