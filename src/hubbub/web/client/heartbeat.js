/** Finds dead connections by `PING`: a socket can stay open after the other end is gone. */

const DEFAULT_SECONDS = 20;
const TIMEOUT_MS = 10_000;
/** How long a probe waits for a message. */
export const PROBE_TIMEOUT_MS = 3_000;
// A timer that is this late shows that the device slept. The answer may have arrived but not been delivered.
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
   * @param {object} platform
   * @param {object} hooks
   * @param {(message: object) => void} hooks.sendPing sends a message
   * @param {() => void} hooks.onDead called once if no message came in time
   */
  constructor(platform, { sendPing, onDead }) {
    this.#platform = platform;
    this.#sendPing = sendPing;
    this.#onDead = onDead;
  }

  /** Take the server's interval between pings, in seconds. */
  setInterval(seconds) {
    const sane = Number.isFinite(seconds) && seconds >= 1 && seconds <= 300;
    this.#everyMs = (sane ? seconds : DEFAULT_SECONDS) * 1000;
  }

  /** Send a `PING` now and at each interval. */
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

  /** Count any message as an answer. */
  onMessage() {
    this.#deadline?.cancel();
    this.#deadline = null;
    this.#wasLate = false;
  }

  /** Send a `PING` and wait `timeout` ms at most; do nothing while a wait as short is under way. */
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
