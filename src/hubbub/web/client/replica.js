/** The client's replica of a party, built from the messages of one connection after the other. */

import { applyEvent, follows, partyOf } from "../core/party.js";

// The server refuses a longer one.
const EPOCH_CHARS_MAX = 128;
const NOT_EVENTS = new Set(["CREATED", "JOINED", "WATCHING", "WELCOME"]);

export class Replica {
  /** The party, or null until the first `ROOM`. */
  party = null;
  #isValid = true;
  #asked = null;
  #answer = null;
  #needsRoom = true;

  /** @param {unknown} kept a party kept from earlier: used if it is a party and has this code */
  constructor(kept, code) {
    if (isParty(kept) && kept.code === code) this.party = kept;
  }

  /** Return the position for `since` when entering, or undefined to get the whole party. */
  since() {
    this.#answer = null;
    this.#needsRoom = true;
    const { epoch, version } = this.party ?? {};
    this.#asked = this.party !== null && this.#isValid ? { epoch, version } : undefined;
    return this.#asked;
  }

  /** Take the position of `CREATED`, `JOINED` or `WATCHING`: at that position the replica is in sync. */
  answered({ epoch, version }) {
    this.#answer = { epoch, version };
    this.#needsRoom = this.#asked?.epoch !== epoch || this.#asked.version > version;
  }

  /** Whether the replica has reached the answer's position, or a later epoch. */
  get isSynced() {
    if (this.#answer === null || this.#needsRoom) return false;
    return this.party.epoch !== this.#answer.epoch || this.party.version >= this.#answer.version;
  }

  /** Mark the party as wrong: the next entering asks for the whole party, and this one is shown until then. */
  invalidate() {
    this.#isValid = false;
  }

  /**
   * @param {object} message any
   * @returns {"room" | "event" | "gap" | "ignored"} what it was to the replica
   */
  apply(message) {
    if (message.t === "ROOM") {
      this.party = partyOf(message);
      this.#needsRoom = false;
      this.#isValid = true;
      return "room";
    }
    if (!Number.isInteger(message.version) || NOT_EVENTS.has(message.t)) return "ignored";
    if (this.#needsRoom) return "gap";
    const order = follows(this.party, message);
    if (order !== "next") return order === "old" ? "ignored" : "gap";
    this.party = applyEvent(this.party, message);
    return "event";
  }
}

function isParty(kept) {
  return (
    typeof kept?.epoch === "string" &&
    kept.epoch.length <= EPOCH_CHARS_MAX &&
    Number.isSafeInteger(kept.version) &&
    kept.version >= 0 &&
    Array.isArray(kept.members) &&
    Array.isArray(kept.messages) &&
    typeof kept.playback === "object" &&
    kept.playback !== null
  );
}
