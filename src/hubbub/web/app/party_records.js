/** What this phone keeps of a party: the seat while its token is valid, the messages, and a recap of the end. */
import { hostName } from "../core/party.js";

/** How many of the most frequent emoji a recap has. */
const TOP_EMOJI = 5;
/** After these ends the token is invalid; after any other it still owns its seat. */
const SEAT_GONE = new Set(["left", "party_ended", "party_not_found", "token_invalid"]);

/** How many messages a phone keeps; a party keeps fewer. */
const MESSAGES_MAX = 200;

export class PartyRecords {
  #storage;
  #t;
  #tally = {};

  constructor(storage, t) {
    this.#storage = storage;
    this.#t = t;
  }

  /** Begin another party: drop the counts of the last one. */
  reset() {
    this.#tally = {};
  }

  /** Count the emoji that this phone saw. */
  countEmoji(counts) {
    for (const [emoji, count] of Object.entries(counts)) this.#tally[emoji] = (this.#tally[emoji] ?? 0) + count;
  }

  /** Keep this phone's name and role in the party, and the host's name. */
  saveSeat(client) {
    const { memberId, isHost, party } = client;
    const me = party.members.find((member) => member.id === memberId);
    const kept = { memberId, isHost, hostName: this.#hostName(party), ...(me === undefined ? {} : { name: me.name }) };
    const known = this.#storage.seatOf(client.code);
    if (Object.entries(kept).some(([key, value]) => known?.[key] !== value)) this.#storage.keepSeat(client.code, kept);
  }

  /** Keep the recap of a party that ended, and return it; null if the server sent none. */
  saveRecap(client) {
    const { recap } = client.over;
    if (recap === undefined || client.party === null) return null;
    const endedAt = client.party.createdAt + recap.seconds * 1000;
    const kept = recapOf(client, client.over, this.#tally, this.#hostName(client.party), endedAt);
    this.#storage.keepRecap(kept);
    return kept;
  }

  /** Forget a seat that is gone; `wasIn` is whether this phone had one. */
  onEnd(code, reason, wasIn) {
    // A kicked phone keeps its token: with another it would be let in again.
    if (reason === "kicked") this.#storage.keepSeat(code, { out: true });
    else if (SEAT_GONE.has(reason) || !wasIn) this.#storage.forgetSeat(code);
  }

  #hostName(party) {
    return hostName(party) ?? this.#t("people.host");
  }
}

/** Return the recap of a party that ended: the server's figures, and the emoji that this phone saw most. */
export function recapOf(client, over, tally, hostName, endedAt) {
  const top = Object.entries(tally).sort(([, a], [, b]) => b - a);
  return {
    code: client.code,
    hostName,
    isHost: client.isHost,
    cause: over.cause,
    endedAt,
    ...over.recap,
    top: top.slice(0, TOP_EMOJI).map(([emoji]) => emoji),
  };
}

/** Return `kept` and the messages of a party that are new to it: the newest 200, by their times. Pure. */
export function withMessages(kept, messages) {
  const known = new Set(kept.map((message) => message.id));
  const fresh = messages.filter((message) => !known.has(message.id));
  if (fresh.length === 0) return kept;
  return [...kept, ...fresh].sort((a, b) => a.at - b.at).slice(-MESSAGES_MAX);
}
