/**
 * The states of a connection to a party, as one table: state × event → next state. Pure.
 *
 * A state is a phase, as `client.state.phase` shows it, and for the two phases without a party that is in sync a
 * stage: "opening" (a socket opens), "entering" (the entering command is not answered yet), "loading" (answered, but
 * the party is not complete yet) or "waiting" (for the next try; after a refusal the socket may still be open).
 */

/** What ends a connection, from any state: `stop` lets go without leaving, `finish` shows why it is over. */
const ENDS = { stop: "idle", finish: "over" };

/**
 * connect: a socket is opened. enter: the entering command is sent. accepted, refused: its answer; a refusal here is
 * one that may pass. synced: the party is complete. lost: the socket is gone, or given up.
 */
export const TRANSITIONS = Object.freeze({
  idle: { connect: "connecting:opening", ...ENDS },
  "connecting:opening": {
    connect: "connecting:opening",
    enter: "connecting:entering",
    lost: "connecting:waiting",
    ...ENDS,
  },
  "connecting:entering": {
    accepted: "connecting:loading",
    refused: "connecting:waiting",
    lost: "connecting:waiting",
    ...ENDS,
  },
  "connecting:loading": { synced: "live", lost: "connecting:waiting", ...ENDS },
  "connecting:waiting": {
    connect: "connecting:opening",
    enter: "connecting:entering",
    lost: "connecting:waiting",
    ...ENDS,
  },
  live: { lost: "reconnecting:waiting", ...ENDS },
  "reconnecting:opening": {
    connect: "reconnecting:opening",
    enter: "reconnecting:entering",
    lost: "reconnecting:waiting",
    ...ENDS,
  },
  "reconnecting:entering": {
    accepted: "reconnecting:loading",
    refused: "reconnecting:waiting",
    lost: "reconnecting:waiting",
    ...ENDS,
  },
  "reconnecting:loading": { synced: "live", lost: "reconnecting:waiting", ...ENDS },
  "reconnecting:waiting": {
    connect: "reconnecting:opening",
    enter: "reconnecting:entering",
    lost: "reconnecting:waiting",
    ...ENDS,
  },
  over: {},
});

export const EVENTS = Object.freeze([
  "connect",
  "enter",
  "accepted",
  "refused",
  "synced",
  "lost",
  ...Object.keys(ENDS),
]);

/** Holds the state of one connection. The session and its socket share it, and both report events. */
export class ConnectionStates {
  #state = "idle";

  /** "idle", "connecting", "live", "reconnecting" or "over". */
  get phase() {
    return this.#state.split(":")[0];
  }

  /** "opening", "entering", "loading" or "waiting"; undefined in the other phases. */
  get stage() {
    return this.#state.split(":")[1];
  }

  /** Whether nothing is to be done any more, or yet. */
  get isStopped() {
    return this.#state === "idle" || this.#state === "over";
  }

  /**
   * Go on to the next state.
   *
   * @param {string} event one of `EVENTS`
   * @returns {boolean} false if the event means nothing in this state, which then stays
   */
  on(event) {
    if (!EVENTS.includes(event)) throw new TypeError(`There is no event "${event}"`);
    const next = TRANSITIONS[this.#state][event];
    this.#state = next ?? this.#state;
    return next !== undefined;
  }
}
