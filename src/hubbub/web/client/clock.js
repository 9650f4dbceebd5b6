/** Estimates the store's clock from round trips. */

const SAMPLES_KEPT = 8;
// Two readings that no single offset can explain mean that a clock was set. Half a round trip is the bound;
// the slack is for clocks that drift and for times of whole milliseconds.
const SLACK_MS = 100;

export class StoreClock {
  #samples = [];

  /**
   * Learn from a `PONG`. All times in ms: two of the local clock, and between them one of the store's.
   *
   * @param {number} sentAt when the `PING` went out
   * @param {number} serverTime what the `PONG` said
   * @param {number} heardAt when it came
   */
  learn(sentAt, serverTime, heardAt) {
    const roundTrip = heardAt - sentAt;
    if (!Number.isFinite(serverTime) || !(roundTrip >= 0)) return;
    const sample = { roundTrip, offset: serverTime - (sentAt + heardAt) / 2 };
    const agree = this.#samples.filter((other) => mayBothBeRight(sample, other));
    this.#samples = [...agree, sample].slice(-SAMPLES_KEPT);
  }

  /** The store's time in ms when the local clock shows `now`; the local time as long as nothing is known. */
  at(now) {
    if (this.#samples.length === 0) return now;
    // The shorter the round trip, the less the reading can be wrong (Cristian's algorithm).
    const best = this.#samples.reduce((one, other) => (other.roundTrip <= one.roundTrip ? other : one));
    return Math.round(now + best.offset);
  }
}

function mayBothBeRight(one, other) {
  return Math.abs(one.offset - other.offset) <= (one.roundTrip + other.roundTrip) / 2 + SLACK_MS;
}
