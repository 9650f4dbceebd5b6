/** Whether the other end still lives. A socket can be open and dead, and never say so. */

const DEFAULT_SECONDS = 20;
const TIMEOUT_MS = 10_000;
/** How long a client that has reason to doubt waits for a sign of life. */
export const PROBE_TIMEOUT_MS = 3_000;
// A timer that comes this late tells of a device that slept: the answer may lie there, not yet handed over.
const LATE_MS = 2_000;
const PINGS_KEPT = 8;

export class Heartbeat {
  #platform;
  #sendPing;
  #onDead;
  #lastId = 0;
  #sentAt = new Map();
  #everyMs = DEFAULT_SECONDS * 1000;
  #cancelBeat = null;
  #deadline = null;
  #wasLate = false;

  /**
   * @param {object} world
   * @param {object} hooks
   * @param {(message: object) => void} hooks.sendPing sends a message
   * @param {() => void} hooks.onDead called once when no sign of life came in time
   */
  constructor(platform, { sendPing, onDead }) {
    this.#platform = platform;
    this.#sendPing = sendPing;
    this.#onDead = onDead;
  }

  /** Take the server's word on how often, in seconds, it wants to be asked. */
  setInterval(seconds) {
    const sane = Number.isFinite(seconds) && seconds >= 1 && seconds <= 300;
    this.#everyMs = (sane ? seconds : DEFAULT_SECONDS) * 1000;
  }

  /** Ask now and from now on. */
  start() {
    this.stop();
    this.#beat();
  }

  stop() {
    this.#cancelBeat?.();
    this.#cancelBeat = null;
    this.onMessage();
    this.#sentAt.clear();
  }

  /** Any message is a sign of life. */
  onMessage() {
    this.#deadline?.cancel();
    this.#deadline = null;
    this.#wasLate = false;
  }

  /** Ask at once, and wait no longer than `timeout` ms; nothing where so short a wait is under way. */
  probe(timeout = PROBE_TIMEOUT_MS) {
    if (this.#deadline !== null && this.#deadline.due <= this.#platform.now() + timeout) return;
    this.#ask(timeout);
  }

  /** When the `PING` that this `PONG` answers went out, in ms of the local clock; undefined if unknown. */
  sentAt(pong) {
    const sentAt = this.#sentAt.get(pong.id);
    this.#sentAt.delete(pong.id);
    return sentAt;
  }

  #beat() {
    this.#cancelBeat = this.#platform.after(this.#everyMs, () => this.#beat());
    this.probe(TIMEOUT_MS);
  }

  #ask(timeout) {
    this.#lastId += 1;
    this.#sentAt.set(this.#lastId, this.#platform.now());
    if (this.#sentAt.size > PINGS_KEPT) this.#sentAt.delete(this.#sentAt.keys().next().value);
    this.#expectReply(timeout);
    this.#sendPing({ t: "PING", id: this.#lastId });
  }

  #expectReply(timeout) {
    this.#deadline?.cancel();
    const due = this.#platform.now() + timeout;
    this.#deadline = { due, cancel: this.#platform.after(timeout, () => this.#onDeadline(due)) };
  }

  #onDeadline(due) {
    this.#deadline = null;
    if (!this.#wasLate && this.#platform.now() > due + LATE_MS) {
      this.#wasLate = true;
      this.#ask(PROBE_TIMEOUT_MS);
      return;
    }
    this.stop();
    this.#onDead();
  }
}
