/** The ways into a party: create one, join, come back to a seat, watch. Owns the client of the party on the screen. */
import { refusalOnly } from "../client/refusal.js";
import { newToken } from "../core/tokens.js";
import { shownTab } from "../models/screen.js";
import { LONG_NOTICE_MS } from "./notices.js";

export class Entering {
  #parts;
  #state;
  #notifier;
  #hooks;
  #client = null;
  #unfollow = () => {};

  /**
   * @param {object} parts `connect`, `joinLinkOf`, `storage`, `router`, `t`, `randomBytes`
   * @param {object} state the app's: `current`, `set(changes)`
   * @param {import("./notices.js").Notifier} notifier
   * @param {object} hooks
   * @param {() => void} hooks.disconnect leave the party before, if there is one
   * @param {(client: object) => () => void} hooks.follow listen to a new client; returns the function that stops
   * @param {() => void} hooks.onEntered this phone has a seat, or sees the party as a watcher
   */
  constructor(parts, state, notifier, hooks) {
    this.#parts = parts;
    this.#state = state;
    this.#notifier = notifier;
    this.#hooks = hooks;
  }

  /** The client of the party on the screen, or null. */
  get client() {
    return this.#client;
  }

  /** Whether this way was taken already and is not decided yet: people tap twice. */
  isEntering(way) {
    const { entering, client } = this.#state.current;
    return entering === way && client.over === null && client.party === null;
  }

  /** Create a party. A repeat within minutes has the same token, so it cannot become a second party. */
  create() {
    const { storage } = this.#parts;
    let isRepeat = true;
    const token = storage.createToken(() => {
      isRepeat = false;
      return this.#newToken();
    });
    this.#enter("create", false, async (client) => {
      try {
        const { code } = await client.create({ name: this.#state.current.name, token });
        if (!this.#isIn(client)) return;
        storage.keepSeat(code, { token, isHost: true, entered: true });
        this.#onEntered(code, true);
      } catch (refusal) {
        // An earlier try did create a party, and that has ended since. Without a new token no start would succeed.
        if (isRepeat && refusal.reason === "party_ended" && this.#client === client) this.#createAnew();
        else throw refusal;
      } finally {
        if (this.#client === client) storage.forgetCreateToken();
      }
    });
  }

  #createAnew() {
    this.#parts.storage.forgetCreateToken();
    this.create();
  }

  /** Join the party with `code`, with the seat's own token if this phone had a seat there. */
  join(code, name) {
    const { storage } = this.#parts;
    const seat = storage.seatOf(code);
    const token = seat?.token ?? this.#newToken();
    // Kept before the answer. Without this, a page that is reloaded meanwhile would get a second seat.
    if (seat?.token === undefined) storage.keepSeat(code, { token });
    this.#enter("join", seat?.entered === true, async (client) => {
      const kept = storage.partyOf(code);
      // Set before the answer: another reload would lose the messages otherwise.
      if (kept !== null) this.#state.set({ messages: kept.messages });
      const known = { token, ...(name === "" ? {} : { name }), ...(kept === null ? {} : { party: kept.party }) };
      const { resumed } = await client.join(code, known);
      if (!this.#isIn(client)) return;
      storage.keepSeat(code, { token, entered: true, out: false });
      this.#onEntered(code, !resumed);
    });
  }

  /** Go back to a seat. If its hold has expired, the new seat gets the name that this phone had in that party. */
  rejoin(code) {
    this.join(code, this.#parts.storage.seatOf(code)?.name ?? this.#state.current.name);
  }

  watch(code) {
    this.#enter("watch", false, async (client) => {
      await client.watch(code);
      if (this.#isIn(client)) this.#onEntered(code, false);
    });
  }

  /** Stop following the client and close it; the seat is held for a while. */
  close() {
    this.#unfollow();
    this.#unfollow = () => {};
    this.#client?.close();
    this.#client = null;
  }

  /** Connect a new client and go in by `way`. A refusal shows as the client's state, so it is no error here. */
  #enter(entering, hadSeat, way) {
    this.#hooks.disconnect();
    const client = this.#parts.connect();
    this.#client = client;
    this.#state.set({ entering, hadSeat, client: client.state, messages: [], unread: 0, tab: null, joinLink: null });
    this.#unfollow = this.#hooks.follow(client);
    way(client).catch(refusalOnly);
  }

  /** Whether this client's party is still on the screen: it may have ended in the same frame. */
  #isIn(client) {
    return this.#client === client && client.state.over === null;
  }

  #onEntered(code, isNewHere) {
    const { router, joinLinkOf, storage, t } = this.#parts;
    const { client, route } = this.#state.current;
    if (route.name === "home") {
      router.replace(`/p/${code}`);
      this.#state.set({ route: { name: "party", code, typed: code } });
    }
    const { tab, name } = this.#state.current;
    this.#state.set({ tab: shownTab(tab, client.isHost), askName: isNewHere && name === "" });
    if (!storage.isPersistent && !client.watching) this.#notifier.notify(t("notice.noStorage"), LONG_NOTICE_MS);
    this.#hooks.onEntered();
    joinLinkOf(code).then((joinLink) => this.#state.current.client.code === code && this.#state.set({ joinLink }));
  }

  #newToken() {
    return newToken(this.#parts.randomBytes);
  }
}
