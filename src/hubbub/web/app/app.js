/**
 * The app: what it knows, what people can do, and what follows. It draws nothing; whoever draws is told of each
 * change by `onChange`. The network, storage and the device come in from outside.
 */
import { newToken } from "../core/tokens.js";
import { shownTab } from "../models/tabs.js";
import { Commands } from "./commands.js";
import { announcer } from "./announcer.js";
import { PartyRecords } from "./party_records.js";
import { watchLookup } from "./lookup.js";
import { noticeOf } from "./notices.js";
import { Sharing } from "./sharing.js";
import { withMessages } from "./transcript.js";

const IDLE = Object.freeze({ phase: "idle", party: null, over: null, trouble: null, watching: false });
const NOTICE_MS = 5000;
const LONG_NOTICE_MS = 12_000;

/**
 * `parts`: `connect`, `lookUp`, `joinLinkOf`, `storage`, `device`, `router`, `t`, `timers`, `randomBytes`. What people
 * do in a party is in `commands`, handing things on in `sharing`.
 */
export class App {
  #parts;
  #client = null;
  #offs = [];
  #onChange;
  #onReaction;
  #onArrived;
  #announcer;
  #looking;
  #records;
  #forgetNotice = () => {};

  constructor(parts, { onChange, onReaction, onAnnounce, onArrived }) {
    this.#parts = parts;
    this.#onChange = onChange;
    this.#onReaction = onReaction;
    this.#onArrived = onArrived;
    this.#announcer = announcer(parts.timers, parts.t, onAnnounce);
    this.#looking = watchLookup(parts.lookUp, parts.timers, (lookup) => this.#looked(lookup));
    this.#records = new PartyRecords(parts.storage, parts.t);
    const notify = (text) => this.#notify(text);
    this.commands = new Commands({ currentClient: () => this.#client, notify, t: parts.t });
    this.sharing = new Sharing(parts, () => this.state, notify);
    this.state = Object.freeze({
      route: parts.router.route,
      entering: null,
      hadSeat: false,
      client: IDLE,
      lookup: { kind: "loading" },
      joinLink: null,
      messages: [],
      unread: 0,
      tab: null,
      name: parts.storage.name,
      askName: false,
      notice: null,
      recap: null,
      recaps: parts.storage.recaps,
      lastSeat: parts.storage.lastSeat,
    });
  }

  /** Show what the address asks for; called at the start and whenever the address has changed. */
  open() {
    const { storage, router } = this.#parts;
    const route = router.route;
    this.#letGo();
    this.#set({
      route,
      recap: route.code === null ? null : storage.recapOf(route.code),
      recaps: storage.recaps,
      lastSeat: storage.lastSeat,
    });
    if (route.name === "home") this.#checkLastSeat();
    if (route.code === null) return;
    if (route.name === "wall") this.#watch(route.code);
    if (route.name !== "party") return;
    if (storage.seatOf(route.code) === null) this.#looking.start(route.code);
    else this.#comeBack(route.code);
  }

  /** A party that is over, on the server's own word, is not offered again. */
  async #checkLastSeat() {
    const { storage, lookUp } = this.#parts;
    const { lastSeat } = this.state;
    if (lastSeat === null || (await lookUp(lastSeat.code)).kind !== "absent") return;
    // Meanwhile the person may have gone there, and hears of it by another way.
    if (this.state.route.name !== "home" || storage.lastSeat?.token !== lastSeat.token) return;
    storage.forgetSeat(lastSeat.code);
    this.#set({ lastSeat: storage.lastSeat });
  }

  #looked(lookup) {
    // Who is typing a name is not interrupted because one look failed; the join itself tells if it lasts.
    if (lookup.kind === "unreachable" && this.state.lookup.kind === "found") return;
    this.#set({ lookup });
  }

  // ---------------------------------------------------------------- ways in

  /** Start a party. */
  start(name) {
    if (this.#isOnTheWay("create")) return;
    // The start is also what is shown at the address of a party that was left.
    if (this.state.route.name !== "home") this.home();
    this.#remember(name);
    this.#create();
  }

  #create() {
    const { storage } = this.#parts;
    let isRepeat = true;
    const token = storage.createToken(() => {
      isRepeat = false;
      return this.#newToken();
    });
    this.#enter("create", false, async (client) => {
      try {
        const { code } = await client.create({ name: this.state.name, token });
        if (!this.#isIn(client)) return;
        storage.keepSeat(code, { token, isHost: true, entered: true });
        this.#arrived(code, true);
      } catch (refusal) {
        // The party of an earlier try came about, and has ended since: who presses Start wants another.
        if (isRepeat && refusal.reason === "party_ended" && this.#client === client) this.#createAnew();
        else throw refusal;
      } finally {
        if (this.#client === client) storage.forgetCreateToken();
      }
    });
  }

  #createAnew() {
    this.#parts.storage.forgetCreateToken();
    this.#create();
  }

  /** A whole code was typed or pasted: go there and in. */
  typed(code, typed, name) {
    this.#remember(name);
    this.#parts.router.push(`/p/${code}`);
    this.#letGo();
    this.#set({ route: { name: "party", code, typed }, recap: this.#parts.storage.recapOf(code) });
    this.#join(code, this.state.name);
  }

  /** Join the party of the link. */
  join(name) {
    if (this.#isOnTheWay("join")) return;
    this.#remember(name);
    this.#join(this.state.route.code, this.state.name);
  }

  /** Back to a seat. Should its hold have run out, the new one gets the name that this phone had in that party. */
  #comeBack(code) {
    this.#join(code, this.#parts.storage.seatOf(code)?.name ?? this.state.name);
  }

  #join(code, name) {
    const { storage } = this.#parts;
    const seat = storage.seatOf(code);
    const token = seat?.token ?? this.#newToken();
    // Kept before it is asked for: a page that is reloaded meanwhile asks for the same seat, not for a second one.
    if (seat?.token === undefined) storage.keepSeat(code, { token });
    this.#enter("join", seat?.entered === true, async (client) => {
      const kept = storage.partyOf(code);
      // From the first moment on: another reload before the server has answered is to keep them too.
      if (kept !== null) this.#set({ messages: kept.messages });
      const asked = { token, ...(name === "" ? {} : { name }), ...(kept === null ? {} : { party: kept.party }) };
      const { resumed } = await client.join(code, asked);
      if (!this.#isIn(client)) return;
      storage.keepSeat(code, { token, entered: true, out: false });
      this.#arrived(code, !resumed);
    });
  }

  #watch(code) {
    this.#enter("watch", false, async (client) => {
      await client.watch(code);
      if (this.#isIn(client)) this.#arrived(code, false);
    });
  }

  /** Connect, and go in by `way`; a refusal shows as the client's state, so it is no error here. */
  #enter(entering, hadSeat, way) {
    this.#letGo();
    const client = this.#parts.connect();
    this.#client = client;
    this.#records.reset();
    this.#set({ entering, hadSeat, client: client.state, messages: [], unread: 0, tab: null, joinLink: null });
    this.#offs = [
      client.on("change", (state) => this.#changed(state)),
      client.on("event", (event) => this.#happened(event)),
      client.on("reaction", (reaction) => this.#reacted(reaction)),
    ];
    way(client).catch((problem) => {
      if (problem.reason === undefined) throw problem;
    });
  }

  /** Whether that was asked for already: fingers tap twice. */
  #isOnTheWay(entering) {
    return this.state.entering === entering && this.state.client.over === null && this.state.client.party === null;
  }

  /** Whether this client's party is still the one on the screen: it may have ended in the same breath. */
  #isIn(client) {
    return this.#client === client && client.state.over === null;
  }

  #arrived(code, isNewHere) {
    const { router, joinLinkOf, storage, t } = this.#parts;
    const { client, route } = this.state;
    if (route.name === "home") {
      router.replace(`/p/${code}`);
      this.#set({ route: { name: "party", code, typed: code } });
    }
    const tab = shownTab(this.state.tab, client.isHost);
    this.#set({ tab, askName: isNewHere && this.state.name === "" });
    if (!storage.isPersistent && !client.watching) this.#notify(t("notice.noStorage"), LONG_NOTICE_MS);
    this.#onArrived();
    joinLinkOf(code).then((joinLink) => this.state.client.code === code && this.#set({ joinLink }));
  }

  #letGo() {
    this.pause();
    for (const off of this.#offs) off();
    this.#offs = [];
    this.#client?.close();
    this.#client = null;
    this.#looking.stop();
    this.#announcer.forget();
    this.#parts.device.keepAwake(false);
    this.#set({ entering: null, client: IDLE, lookup: { kind: "loading" }, notice: null });
  }

  // ---------------------------------------------------------------- what the party does

  #changed(news) {
    const before = this.state.client;
    const client = this.#known(news);
    this.#set({
      client,
      ...(client.party === null ? {} : { messages: withMessages(this.state.messages, client.party.messages) }),
    });
    if (client.party !== null) this.#announcer.meet(client.party);
    const arrived = before.phase === "reconnecting" && client.phase === "live";
    if (arrived) this.#announcer.announce(this.#parts.t("heard.back"));
    this.#parts.device.keepAwake(client.party !== null && client.over === null && (client.isHost || client.watching));
    if (before.over === null && client.over !== null) this.#over(client);
    else if (client.memberId !== null && client.party?.members !== before.party?.members) this.#records.saveSeat(client);
  }

  /** A party that is shown again after a reload: who this phone is in it is known before the server has said so. */
  #known(client) {
    if (client.party === null || client.memberId !== null || client.watching) return client;
    const memberId = this.#parts.storage.seatOf(client.code)?.memberId ?? null;
    return { ...client, memberId, isHost: memberId !== null && client.party.hostId === memberId };
  }

  #over(client) {
    const { storage, router } = this.#parts;
    const recap = this.#records.saveRecap(client);
    if (recap !== null) this.#set({ recap, recaps: storage.recaps });
    if (client.watching) return;
    this.#records.onEnd(this.state.route.code, client.over.reason, this.state.hadSeat || client.party !== null);
    this.#set({ lastSeat: storage.lastSeat });
    if (client.over.reason !== "left" || recap !== null) return;
    router.replace("/");
    this.open();
  }

  #happened(event) {
    const { client, tab } = this.state;
    this.#announcer.hear(event, client);
    if (event.t === "MESSAGE" && event.memberId !== client.memberId && shownTab(tab, client.isHost) !== "chat") {
      this.#set({ unread: this.state.unread + 1 });
    }
  }

  #reacted(reaction) {
    this.#records.countEmoji(reaction.counts);
    this.#onReaction(reaction.counts);
  }

  /** Whether what is on the screen changes by time alone: a track that plays, a connection that is awaited. */
  get isMoving() {
    const { client } = this.state;
    if (client.party === null || client.over !== null) return false;
    return client.phase !== "live" || client.party.playback.state === "playing";
  }

  /** The store's time in ms, as well as it is known. */
  storeNow() {
    return this.#client?.storeNow() ?? 0;
  }

  /** Keep the party on the screen for a reload of this page. */
  pause() {
    const { client, messages } = this.state;
    if (client.party === null || client.watching || client.over !== null) return;
    this.#parts.storage.keepParty(client.code, { party: client.party, messages });
  }

  // ---------------------------------------------------------------- what people do, beside the commands

  rename(name) {
    this.#remember(name);
    return this.commands.rename(name);
  }

  /** The name card was answered; empty is an answer too. */
  named(name) {
    this.#set({ askName: false });
    return name.trim() === "" ? Promise.resolve(true) : this.rename(name);
  }

  /** Leave the party; from the host it ends for everybody. Without a connection this phone just goes. */
  async leave() {
    const client = this.#client;
    const { isHost } = this.state.client;
    try {
      await client?.leave();
    } catch (refusal) {
      if (refusal.reason === undefined) throw refusal;
      if (client !== this.#client) return;
      if (refusal.reason !== "not_connected") return this.#notify(noticeOf(refusal, {}, this.#parts.t));
      this.home();
      this.#notify(this.#parts.t(isHost ? "notice.notEnded" : "notice.leftOffline"), LONG_NOTICE_MS);
    }
  }

  /** A name is being typed: kept, so that another screen in between does not lose it. */
  naming(name) {
    this.#set({ name });
  }

  show(tab) {
    this.#set({ tab, ...(tab === "chat" ? { unread: 0 } : {}) });
  }

  tryNow() {
    this.#client?.wake();
    this.#looking.now();
  }

  // ---------------------------------------------------------------- moving about

  go(path) {
    this.#parts.router.push(path);
    this.open();
  }

  home() {
    this.go("/");
  }

  openRecap(code) {
    this.go(`/#recap/${code}`);
  }

  startAgain() {
    this.start(this.state.name);
  }

  /** Do what a button of a status screen asks for. */
  chooseStatusAction(action) {
    const { route, entering } = this.state;
    switch (action) {
      case "again":
        if (entering !== null && this.state.client.over === null) return this.tryNow();
        if (route.name === "home") return this.start(this.state.name);
        return entering === "join" ? this.#join(route.code, this.state.name) : this.open();
      case "takeBack":
        return this.#comeBack(route.code);
      case "reload":
        return this.#parts.router.reload();
      default:
        return this.home();
    }
  }

  // ---------------------------------------------------------------- the state

  #remember(name) {
    const trimmed = name.trim();
    this.#parts.storage.name = trimmed;
    this.#set({ name: trimmed });
  }

  #newToken() {
    return newToken(this.#parts.randomBytes);
  }

  #notify(text, ms = NOTICE_MS) {
    this.#forgetNotice();
    this.#set({ notice: text });
    this.#forgetNotice = this.#parts.timers.after(ms, () => this.#set({ notice: null }));
  }

  #set(changes) {
    this.state = Object.freeze({ ...this.state, ...changes });
    this.#onChange(this.state);
  }
}
