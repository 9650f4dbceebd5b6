/** What stays on this phone of a party: the seat as long as its token is worth something, and a recap of the end. */
import { hostName } from "../core/party.js";

/** As many of the emoji that were seen most. */
const TOP_EMOJI = 5;
/** After these a token is worth nothing any more; after any other end it still owns its seat. */
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

  /** Another party begins: what was counted of the last one is not of this. */
  reset() {
    this.#tally = {};
  }

  /** Count the emoji that this phone saw. */
  countEmoji(counts) {
    for (const [emoji, count] of Object.entries(counts)) this.#tally[emoji] = (this.#tally[emoji] ?? 0) + count;
  }

  /** Keep who this phone is in the party, and whose party it is. */
  saveSeat(client) {
    const { memberId, isHost, party } = client;
    const me = party.members.find((member) => member.id === memberId);
    const kept = { memberId, isHost, hostName: this.#hostName(party), ...(me === undefined ? {} : { name: me.name }) };
    const known = this.#storage.seatOf(client.code);
    if (Object.entries(kept).some(([key, value]) => known?.[key] !== value)) this.#storage.keepSeat(client.code, kept);
  }

  /** Keep the recap of a party that ended, and return it; null where the server told none. */
  saveRecap(client) {
    const { recap } = client.over;
    if (recap === undefined || client.party === null) return null;
    const endedAt = client.party.createdAt + recap.seconds * 1000;
    const kept = recapOf(client, client.over, this.#tally, this.#hostName(client.party), endedAt);
    this.#storage.keepRecap(kept);
    return kept;
  }

  /** Give up a seat that is gone; `wasIn` is whether this phone had one. */
  onEnd(code, reason, wasIn) {
    // A kicked phone keeps its token: with another it would be let in again.
    if (reason === "kicked") this.#storage.keepSeat(code, { out: true });
    else if (SEAT_GONE.has(reason) || !wasIn) this.#storage.forgetSeat(code);
  }

  #hostName(party) {
    return hostName(party) ?? this.#t("people.host");
  }
}

/** What this phone keeps of a party that ended: the server's figures, and the emoji that this phone saw most. */
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

/** `kept` with the messages of a party that are not in it yet, the newest 200, by their times. */
export function withMessages(kept, messages) {
  const known = new Set(kept.map((message) => message.id));
  const fresh = messages.filter((message) => !known.has(message.id));
  if (fresh.length === 0) return kept;
  return [...kept, ...fresh].sort((a, b) => a.at - b.at).slice(-MESSAGES_MAX);
}
