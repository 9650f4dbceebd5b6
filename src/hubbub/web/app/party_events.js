/** What happens in the party on the screen: the client's states, events and reactions, and what follows from each. */
import { shownTab } from "../models/screen.js";
import { announcer } from "./announcer.js";
import { PartyRecords, withMessages } from "./party_records.js";

export class PartyEvents {
  #parts;
  #state;
  #announcer;
  #records;
  #onReaction;
  #onLeft;

  /**
   * @param {object} parts `storage`, `device`, `timers`, `t`
   * @param {object} state the app's: `current`, `set(changes)`
   * @param {object} hooks
   * @param {(counts: object) => void} hooks.onReaction
   * @param {(text: string) => void} hooks.onAnnounce a sentence for screen readers
   * @param {() => void} hooks.onLeft this phone has left, and there is no recap to show
   */
  constructor(parts, state, { onReaction, onAnnounce, onLeft }) {
    this.#parts = parts;
    this.#state = state;
    this.#announcer = announcer(parts.timers, parts.t, onAnnounce);
    this.#records = new PartyRecords(parts.storage, parts.t);
    this.#onReaction = onReaction;
    this.#onLeft = onLeft;
  }

  /** Listen to a new client; returns the function that stops listening. */
  follow(client) {
    this.#records.reset();
    const offs = [
      client.on("change", (state) => this.#onClientState(state)),
      client.on("event", (event) => this.#onEvent(event)),
      client.on("reaction", ({ counts }) => this.#onCounts(counts)),
    ];
    return () => {
      for (const off of offs) off();
    };
  }

  /** Drop what was gathered for screen readers: without this, another party would be announced with it. */
  forget() {
    this.#announcer.forget();
  }

  #onClientState(news) {
    const { device, t } = this.#parts;
    const before = this.#state.current.client;
    const client = this.#withSavedIdentity(news);
    const { party, over } = client;
    const messages = party === null ? {} : { messages: withMessages(this.#state.current.messages, party.messages) };
    this.#state.set({ client, ...messages });
    if (party !== null) this.#announcer.meet(party);
    if (before.phase === "reconnecting" && client.phase === "live") this.#announcer.announce(t("announcement.back"));
    device.keepAwake(party !== null && over === null && (client.isHost || client.watching));
    if (before.over === null && over !== null) this.#onOver(client);
    else if (client.memberId !== null && party?.members !== before.party?.members) this.#records.saveSeat(client);
  }

  /** After a reload the party is shown before the server answers: take this phone's member id from storage. */
  #withSavedIdentity(client) {
    if (client.party === null || client.memberId !== null || client.watching) return client;
    const memberId = this.#parts.storage.seatOf(client.code)?.memberId ?? null;
    return { ...client, memberId, isHost: memberId !== null && client.party.hostId === memberId };
  }

  #onOver(client) {
    const { storage } = this.#parts;
    const recap = this.#records.saveRecap(client);
    if (recap !== null) this.#state.set({ recap, recaps: storage.recaps });
    if (client.watching) return;
    const { route, hadSeat } = this.#state.current;
    this.#records.onEnd(route.code, client.over.reason, hadSeat || client.party !== null);
    this.#state.set({ lastSeat: storage.lastSeat });
    if (client.over.reason === "left" && recap === null) this.#onLeft();
  }

  #onEvent(event) {
    const { client, tab, unread } = this.#state.current;
    this.#announcer.hear(event, client);
    const isOthers = event.t === "MESSAGE" && event.memberId !== client.memberId;
    if (isOthers && shownTab(tab, client.isHost) !== "chat") this.#state.set({ unread: unread + 1 });
  }

  #onCounts(counts) {
    this.#records.countEmoji(counts);
    this.#onReaction(counts);
  }
}
