/**
 * The app: what it knows, what people can do, and what follows. It draws nothing; whoever draws is told of each
 * change by `onChange`. The network, storage and the device come in from outside.
 */
import { hostName } from "../core/party.js";
import { newToken } from "../core/tokens.js";
import { recapOf } from "../models/recap.js";
import { shownTab } from "../models/tabs.js";
import { hearing } from "./hearing.js";
import { watchLookup } from "./looking.js";
import { noticeOf } from "./notices.js";
import { withMessages } from "./transcript.js";

const IDLE = Object.freeze({ phase: "idle", party: null, over: null, trouble: null, watching: false });
const NOTICE_MS = 5000;
/** After these a token is worth nothing any more; after any other end it still owns its seat. */
const SEAT_GONE = new Set(["left", "party_ended", "party_not_found", "token_invalid"]);
const LONG_NOTICE_MS = 12_000;

/** Start the app. `parts`: `connect`, `lookUp`, `joinLinkOf`, `memory`, `device`, `router`, `say`, `timers`, `randomBytes`. */
export class App {
  #parts;
  #client = null;
  #offs = [];
  #onChange;
  #onReaction;
  #onArrived;
  #hearing;
  #looking;
  #tally = {};
  #forgetNotice = () => {};

  constructor(parts, { onChange, onReaction, onHeard, onArrived }) {
    this.#parts = parts;
    this.#onChange = onChange;
    this.#onReaction = onReaction;
    this.#onArrived = onArrived;
    this.#hearing = hearing(parts.timers, parts.say, onHeard);
    this.#looking = watchLookup(parts.lookUp, parts.timers, (lookup) => this.#set({ lookup }));
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
      name: parts.memory.name,
      askName: false,
      notice: null,
      recap: null,
      recaps: parts.memory.recaps,
      lastSeat: parts.memory.lastSeat,
    });
  }

  /** Show what the address asks for; called at the start and whenever the address has changed. */
  open() {
    const { memory, router } = this.#parts;
    const route = router.route;
    this.#letGo();
    this.#set({
      route,
      recap: route.code === null ? null : memory.recapOf(route.code),
      recaps: memory.recaps,
      lastSeat: memory.lastSeat,
    });
    if (route.name === "home") this.#checkLastSeat();
    if (route.code === null) return;
    if (route.name === "wall") this.#watch(route.code);
    if (route.name !== "party") return;
    if (memory.seatOf(route.code) === null) this.#looking.start(route.code);
    else this.#join(route.code, "");
  }

  /** A party that is over, on the server's own word, is not offered again. */
  async #checkLastSeat() {
    const { memory, lookUp } = this.#parts;
    const { lastSeat } = this.state;
    if (lastSeat === null || (await lookUp(lastSeat.code)).kind !== "absent") return;
    memory.forgetSeat(lastSeat.code);
    this.#set({ lastSeat: memory.lastSeat });
  }

  // ---------------------------------------------------------------- ways in

  /** Start a party. */
  start(name) {
    const { memory } = this.#parts;
    // The start is also what is shown at the address of a party that was left.
    if (this.state.route.name !== "home") this.home();
    this.#remember(name);
    const token = memory.createToken(() => this.#newToken());
    this.#enter("create", false, async (client) => {
      try {
        const { code } = await client.create({ name: this.state.name, token });
        if (!this.#isIn(client)) return;
        memory.keepSeat(code, { token, isHost: true, entered: true });
        this.#arrived(code);
      } finally {
        if (this.#client === client) memory.forgetCreateToken();
      }
    });
  }

  /** A whole code was typed or pasted: go there and in. */
  typed(code, typed, name) {
    this.#remember(name);
    this.#parts.router.push(`/p/${code}`);
    this.#letGo();
    this.#set({ route: { name: "party", code, typed }, recap: this.#parts.memory.recapOf(code) });
    this.#join(code, this.state.name);
  }

  /** Join the party of the link. */
  join(name) {
    this.#remember(name);
    this.#join(this.state.route.code, this.state.name);
  }

  #join(code, name) {
    const { memory } = this.#parts;
    const seat = memory.seatOf(code);
    const token = seat?.token ?? this.#newToken();
    // Kept before it is asked for: a page that is reloaded meanwhile asks for the same seat, not for a second one.
    if (seat?.token === undefined) memory.keepSeat(code, { token });
    this.#enter("join", seat?.entered === true, async (client) => {
      const kept = memory.partyOf(code);
      // From the first moment on: another reload before the server has answered is to keep them too.
      if (kept !== null) this.#set({ messages: kept.messages });
      await client.join(code, { token, ...(name === "" ? {} : { name }), ...(kept === null ? {} : { party: kept.party }) });
      if (!this.#isIn(client)) return;
      memory.keepSeat(code, { token, entered: true, out: false });
      this.#arrived(code);
    });
  }

  #watch(code) {
    this.#enter("watch", false, async (client) => {
      await client.watch(code);
      if (this.#isIn(client)) this.#arrived(code);
    });
  }

  /** Connect, and go in by `way`; a refusal shows as the client's state, so it is no error here. */
  #enter(entering, hadSeat, way) {
    this.#letGo();
    const client = this.#parts.connect();
    this.#client = client;
    this.#tally = {};
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

  /** Whether this client's party is still the one on the screen: it may have ended in the same breath. */
  #isIn(client) {
    return this.#client === client && client.state.over === null;
  }

  #arrived(code) {
    const { router, joinLinkOf, memory, say } = this.#parts;
    const { client, route } = this.state;
    if (route.name === "home") {
      router.replace(`/p/${code}`);
      this.#set({ route: { name: "party", code, typed: code } });
    }
    const tab = shownTab(this.state.tab, client.isHost);
    this.#set({ tab, askName: !client.watching && this.state.name === "" });
    if (!memory.lasts && !client.watching) this.#notice(say("notice.noStorage"), LONG_NOTICE_MS);
    this.#onArrived();
    joinLinkOf(code).then((joinLink) => this.state.client.code === code && this.#set({ joinLink }));
  }

  #letGo() {
    for (const off of this.#offs) off();
    this.#offs = [];
    this.#client?.close();
    this.#client = null;
    this.#looking.stop();
    this.#hearing.forget();
    this.#parts.device.keepAwake(false);
    this.#set({ entering: null, client: IDLE, lookup: { kind: "loading" }, notice: null });
  }

  // ---------------------------------------------------------------- what the party does

  #changed(client) {
    const before = this.state.client;
    this.#set({
      client,
      ...(client.party === null ? {} : { messages: withMessages(this.state.messages, client.party.messages) }),
    });
    if (client.party !== null) this.#hearing.meet(client.party);
    const arrived = before.phase === "reconnecting" && client.phase === "live";
    if (arrived) this.#hearing.say(this.#parts.say("heard.back"));
    this.#parts.device.keepAwake(client.party !== null && client.over === null && (client.isHost || client.watching));
    if (before.over === null && client.over !== null) this.#over(client);
    else if (client.party !== null && !client.watching) this.#keep(client, before);
  }

  #keep(client, before) {
    // A party that is shown again after a reload does not tell yet who this phone is in it.
    if (client.memberId === null) return;
    if (client.isHost === before.isHost && client.party.members === before.party?.members) return;
    const { memory, say } = this.#parts;
    const kept = { isHost: client.isHost, hostName: hostNameOf(client.party, say) };
    const seat = memory.seatOf(client.code);
    if (seat?.isHost !== kept.isHost || seat.hostName !== kept.hostName) memory.keepSeat(client.code, kept);
  }

  #over(client) {
    const { memory, say } = this.#parts;
    const { reason, recap } = client.over;
    if (recap !== undefined && client.party !== null) {
      const kept = recapOf(client, client.over, this.#tally, hostNameOf(client.party, say), client.party.createdAt + recap.seconds * 1000);
      memory.keepRecap(kept);
      this.#set({ recap: kept, recaps: memory.recaps });
    }
    if (client.watching) return;
    // A kicked phone keeps its token: with another it would be let in again.
    if (reason === "kicked") memory.keepSeat(this.state.route.code, { out: true });
    else if (SEAT_GONE.has(reason) || !(this.state.hadSeat || client.party !== null)) memory.forgetSeat(this.state.route.code);
    this.#set({ lastSeat: memory.lastSeat });
  }

  #happened(event) {
    const { client, tab } = this.state;
    this.#hearing.hear(event, client);
    if (event.t === "MESSAGE" && event.memberId !== client.memberId && shownTab(tab, client.isHost) !== "chat") {
      this.#set({ unread: this.state.unread + 1 });
    }
  }

  #reacted(reaction) {
    for (const [emoji, count] of Object.entries(reaction.counts)) this.#tally[emoji] = (this.#tally[emoji] ?? 0) + count;
    this.#onReaction(reaction.counts);
  }

  /** Whether what is on the screen changes by time alone: a track that plays, a connection that is awaited. */
  get isMoving() {
    const { client } = this.state;
    return client.party !== null && client.over === null && (client.phase !== "live" || client.party.playback.state === "playing");
  }

  /** The store's time in ms, as well as it is known. */
  storeNow() {
    return this.#client?.storeNow() ?? 0;
  }

  /** Keep the party on the screen for a reload of this page. */
  pause() {
    const { client, messages } = this.state;
    if (client.party === null || client.watching || client.over !== null) return;
    this.#parts.memory.keepParty(client.code, { party: client.party, messages });
  }

  // ---------------------------------------------------------------- what people do

  /** Do something in the party; true if it was done, else a notice says why not. */
  async #command(run, names = {}) {
    const client = this.#client;
    if (client === null) return false;
    try {
      await run(client);
      return true;
    } catch (refusal) {
      if (refusal.reason === undefined) throw refusal;
      // What was asked of a party that was turned away from concerns nobody any more.
      if (client === this.#client) this.#notice(noticeOf(refusal, names, this.#parts.say));
      return false;
    }
  }

  speak(text) {
    return this.#command((client) => client.say(text));
  }

  react(emoji) {
    return this.#command((client) => client.react(emoji));
  }

  rename(name) {
    this.#remember(name);
    return this.#command((client) => client.rename(name.trim()));
  }

  /** The name card was answered; empty is an answer too. */
  named(name) {
    this.#set({ askName: false });
    return name.trim() === "" ? Promise.resolve(true) : this.rename(name);
  }

  kick(id) {
    return this.#command((client) => client.kick(id));
  }

  promote(id, name) {
    return this.#command((client) => client.promote(id), { name });
  }

  setMode(mode) {
    return this.#command((client) => client.setChatMode(mode));
  }

  setLocked(locked) {
    return this.#command((client) => client.setLocked(locked));
  }

  playTrack(track) {
    return this.#command(async (client) => {
      await client.selectTrack(track);
      await client.play(0);
    });
  }

  queueTrack(track) {
    return this.#command((client) => client.queueTrack(track));
  }

  play() {
    return this.#command((client) => client.play());
  }

  pauseTrack() {
    return this.#command((client) => client.pause());
  }

  skip() {
    const { nextTrack } = this.state.client.party.playback;
    return this.#command((client) => client.changeTrack(nextTrack));
  }

  /** Leave the party; from the host it ends for everybody. */
  leave() {
    return this.#command((client) => client.leave());
  }

  show(tab) {
    this.#set({ tab, ...(tab === "chat" ? { unread: 0 } : {}) });
  }

  tryNow() {
    this.#client?.wake();
    this.#looking.now();
  }

  async share() {
    const { client, joinLink } = this.state;
    const { say, device } = this.#parts;
    await device.share({ title: "Hubbub", text: say("invite.shareText", { code: client.code }), url: joinLink ?? location.href });
  }

  async copy() {
    const { say, device } = this.#parts;
    const isCopied = await device.copy(this.state.joinLink ?? location.href);
    this.#notice(say(isCopied ? "invite.copied" : "notice.failed"));
  }

  async sharePicture(blob) {
    const { say, device } = this.#parts;
    await device.share({ files: [this.pictureFile(blob)], text: say("recap.shareText") });
  }

  savePicture(blob) {
    this.#parts.device.save(this.pictureFile(blob));
  }

  pictureFile(blob) {
    return new File([blob], `hubbub-${this.state.recap?.code ?? "party"}.png`, { type: "image/png" });
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

  /** What a door's button asks for. */
  door(action) {
    const { route, entering } = this.state;
    switch (action) {
      case "again":
        if (entering !== null && this.state.client.over === null) return this.tryNow();
        if (route.name === "home") return this.start(this.state.name);
        return entering === "join" ? this.#join(route.code, this.state.name) : this.open();
      case "takeBack":
        return this.#join(route.code, "");
      case "reload":
        return location.reload();
      default:
        return this.home();
    }
  }

  // ---------------------------------------------------------------- the state

  #remember(name) {
    const trimmed = name.trim();
    this.#parts.memory.name = trimmed;
    this.#set({ name: trimmed });
  }

  #newToken() {
    return newToken(this.#parts.randomBytes);
  }

  #notice(text, ms = NOTICE_MS) {
    this.#forgetNotice();
    this.#set({ notice: text });
    this.#forgetNotice = this.#parts.timers.after(ms, () => this.#set({ notice: null }));
  }

  #set(changes) {
    this.state = Object.freeze({ ...this.state, ...changes });
    this.#onChange(this.state);
  }
}

function hostNameOf(party, say) {
  return hostName(party) ?? say("people.host");
}
