/** Whether the other end still lives. A socket can be open and dead, and never say so. */

const DEFAULT_SECONDS = 20;
const PATIENCE_MS = 10_000;
/** How long a client that has reason to doubt waits for a sign of life. */
export const PROBE_PATIENCE_MS = 3_000;
// A timer that comes this late tells of a device that slept: the answer may lie there, not yet handed over.
const LATE_MS = 2_000;
const PINGS_KEPT = 8;

export class Heartbeat {
  #world;
  #ping;
  #dead;
  #lastId = 0;
  #sentAt = new Map();
  #everyMs = DEFAULT_SECONDS * 1000;
  #stopBeating = null;
  #verdict = null;
  #wasLate = false;

  /**
   * @param {object} world
   * @param {object} hooks
   * @param {(message: object) => void} hooks.ping sends a message
   * @param {() => void} hooks.dead called once when no sign of life came in time
   */
  constructor(world, { ping, dead }) {
    this.#world = world;
    this.#ping = ping;
    this.#dead = dead;
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
    this.#stopBeating?.();
    this.#stopBeating = null;
    this.heard();
    this.#sentAt.clear();
  }

  /** Any message is a sign of life. */
  heard() {
    this.#verdict?.cancel();
    this.#verdict = null;
    this.#wasLate = false;
  }

  /** Ask at once, and wait no longer than `patience` ms; nothing where so short a wait is under way. */
  probe(patience = PROBE_PATIENCE_MS) {
    if (this.#verdict !== null && this.#verdict.due <= this.#world.now() + patience) return;
    this.#ask(patience);
  }

  /** When the `PING` that this `PONG` answers went out, in ms of the local clock; undefined if unknown. */
  sentAt(pong) {
    const sentAt = this.#sentAt.get(pong.id);
    this.#sentAt.delete(pong.id);
    return sentAt;
  }

  #beat() {
    this.#stopBeating = this.#world.after(this.#everyMs, () => this.#beat());
    this.probe(PATIENCE_MS);
  }

  #ask(patience) {
    this.#lastId += 1;
    this.#sentAt.set(this.#lastId, this.#world.now());
    if (this.#sentAt.size > PINGS_KEPT) this.#sentAt.delete(this.#sentAt.keys().next().value);
    this.#expectLifeWithin(patience);
    this.#ping({ t: "PING", id: this.#lastId });
  }

  #expectLifeWithin(patience) {
    this.#verdict?.cancel();
    const due = this.#world.now() + patience;
    this.#verdict = { due, cancel: this.#world.after(patience, () => this.#judge(due)) };
  }

  #judge(due) {
    this.#verdict = null;
    if (!this.#wasLate && this.#world.now() > due + LATE_MS) {
      this.#wasLate = true;
      this.#ask(PROBE_PATIENCE_MS);
      return;
    }
    this.stop();
    this.#dead();
  }
}
