/** The client's copy of a party: what the messages of its connections, one after the other, made of it. */

import { applyEvent, follows, partyOf } from "../core/party.js";

// A longer one would be refused.
const EPOCH_CHARS_MAX = 128;
const NOT_EVENTS = new Set(["CREATED", "JOINED", "WATCHING", "WELCOME"]);

export class Replica {
  /** The party, or null as long as nothing is known of it. */
  party = null;
  #isValid = true;
  #asked = null;
  #answer = null;
  #needsRoom = true;

  /** @param {unknown} kept a party kept from earlier: taken where it is one, and that of this code */
  constructor(kept, code) {
    if (isParty(kept) && kept.code === code) this.party = kept;
  }

  /** The position to ask `since` when entering again, or undefined for all there is. */
  since() {
    this.#answer = null;
    this.#needsRoom = true;
    const { epoch, version } = this.party ?? {};
    this.#asked = this.party !== null && this.#isValid ? { epoch, version } : undefined;
    return this.#asked;
  }

  /** Take the position that `CREATED`, `JOINED` or `WATCHING` tells: once there, the copy is level. */
  answered({ epoch, version }) {
    this.#answer = { epoch, version };
    this.#needsRoom = this.#asked?.epoch !== epoch || this.#asked.version > version;
  }

  /** Whether the copy has got where the answer said, or beyond into another epoch. */
  get isSynced() {
    if (this.#answer === null || this.#needsRoom) return false;
    return this.party.epoch !== this.#answer.epoch || this.party.version >= this.#answer.version;
  }

  /** What is known does not go with what was told: all is asked for next time, and this kept until then. */
  invalidate() {
    this.#isValid = false;
  }

  /**
   * @param {object} message any
   * @returns {"room" | "event" | "gap" | "ignored"} what it was to the copy
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
