/**
 * The app: shows what the address asks for and does what people ask for. It draws nothing; `onChange` reports each
 * new state to the part that draws. The network, storage and the device are passed in.
 */
import { refusalOnly } from "../client/refusal.js";
import { Commands } from "./commands.js";
import { Entering } from "./entering.js";
import { watchLookup } from "./lookup.js";
import { LONG_NOTICE_MS, noticeOf, Notifier } from "./notices.js";
import { PartyEvents } from "./party_events.js";
import { Sharing } from "./sharing.js";

/** The client's state while the app is in no party. */
const NO_PARTY = Object.freeze({ phase: "idle", party: null, over: null, trouble: null, watching: false });

/**
 * `parts`: `connect`, `lookUp`, `joinLinkOf`, `storage`, `device`, `router`, `t`, `timers`, `randomBytes`. The commands
 * of a party are in `commands`; links and pictures are handed on by `sharing`.
 */
export class App {
  #parts;
  #state;
  #notifier;
  #entering;
  #events;
  #lookup;

  constructor(parts, { onChange, onReaction, onAnnounce, onEntered }) {
    this.#parts = parts;
    this.#state = new AppState(initialState(parts), onChange);
    this.#notifier = new Notifier(parts.timers, this.#state);
    this.#lookup = watchLookup(parts.lookUp, parts.timers, (lookup) => this.#onLookup(lookup));
    const onLeft = () => {
      parts.router.replace("/");
      this.open();
    };
    this.#events = new PartyEvents(parts, this.#state, { onReaction, onAnnounce, onLeft });
    this.#entering = new Entering(parts, this.#state, this.#notifier, {
      disconnect: () => this.#disconnect(),
      follow: (client) => this.#events.follow(client),
      onEntered,
    });
    const notify = (text) => this.#notifier.notify(text);
    this.commands = new Commands({ currentClient: () => this.#entering.client, notify, t: parts.t });
    this.sharing = new Sharing(parts, () => this.state, notify);
  }

  get state() {
    return this.#state.current;
  }

  /** Show what the address asks for; called at the start and whenever the address has changed. */
  open() {
    const { storage, router } = this.#parts;
    const route = router.route;
    this.#disconnect();
    this.#state.set({
      route,
      recap: route.code === null ? null : storage.recapOf(route.code),
      recaps: storage.recaps,
      lastSeat: storage.lastSeat,
    });
    if (route.name === "home") this.#checkLastSeat();
    if (route.code === null) return;
    if (route.name === "wall") this.#entering.watch(route.code);
    if (route.name !== "party") return;
    if (storage.seatOf(route.code) === null) this.#lookup.start(route.code);
    else this.#entering.rejoin(route.code);
  }

  #disconnect() {
    this.pause();
    this.#entering.close();
    this.#lookup.stop();
    this.#events.forget();
    this.#parts.device.keepAwake(false);
    this.#state.set({ entering: null, client: NO_PARTY, lookup: { kind: "loading" }, notice: null });
  }

  /** Offer a party that the server calls absent no longer. */
  async #checkLastSeat() {
    const { storage, lookUp } = this.#parts;
    const { lastSeat } = this.state;
    if (lastSeat === null || (await lookUp(lastSeat.code)).kind !== "absent") return;
    // If the person has gone there meanwhile, the join tells them.
    if (this.state.route.name !== "home" || storage.lastSeat?.token !== lastSeat.token) return;
    storage.forgetSeat(lastSeat.code);
    this.#state.set({ lastSeat: storage.lastSeat });
  }

  #onLookup(lookup) {
    // One failed lookup does not interrupt a person who types a name; the join itself reports a lasting outage.
    if (lookup.kind === "unreachable" && this.state.lookup.kind === "found") return;
    this.#state.set({ lookup });
  }

  /** Create a party. */
  start(name) {
    if (this.#entering.isEntering("create")) return;
    // The home screen is also shown at the address of a party that was left.
    if (this.state.route.name !== "home") this.home();
    this.#saveName(name);
    this.#entering.create();
  }

  /** Go to the party of a complete code that was typed or pasted, and join it. */
  enterCode(code, typed, name) {
    this.#saveName(name);
    this.#parts.router.push(`/p/${code}`);
    this.#disconnect();
    this.#state.set({ route: { name: "party", code, typed }, recap: this.#parts.storage.recapOf(code) });
    this.#entering.join(code, this.state.name);
  }

  /** Join the party of the link. */
  join(name) {
    if (this.#entering.isEntering("join")) return;
    this.#saveName(name);
    this.#entering.join(this.state.route.code, this.state.name);
  }

  /** Leave the party; from the host it ends for all. Without a connection this phone just goes. */
  async leave() {
    const { client } = this.#entering;
    const { isHost } = this.state.client;
    const { t } = this.#parts;
    try {
      await client?.leave();
    } catch (error) {
      const refusal = refusalOnly(error);
      if (client !== this.#entering.client) return;
      if (refusal.reason !== "not_connected") return this.#notifier.notify(noticeOf(refusal, {}, t));
      this.home();
      this.#notifier.notify(t(isHost ? "notice.notEnded" : "notice.leftOffline"), LONG_NOTICE_MS);
    }
  }

  rename(name) {
    this.#saveName(name);
    return this.commands.rename(name);
  }

  /** Take the answer of the name card; an empty name keeps the one that the server gave. */
  submitName(name) {
    this.#state.set({ askName: false });
    return name.trim() === "" ? Promise.resolve(true) : this.rename(name);
  }

  /** Keep a name while it is typed: without this, another screen in between would lose it. */
  onNameInput(name) {
    this.#state.set({ name });
  }

  showTab(tab) {
    this.#state.set({ tab, ...(tab === "chat" ? { unread: 0 } : {}) });
  }

  tryNow() {
    this.#entering.client?.wake();
    this.#lookup.now();
  }

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
  chooseStatusAction(id) {
    const { route, entering, client, name } = this.state;
    switch (id) {
      case "again":
        if (entering !== null && client.over === null) return this.tryNow();
        if (route.name === "home") return this.start(name);
        return entering === "join" ? this.#entering.join(route.code, name) : this.open();
      case "takeBack":
        return this.#entering.rejoin(route.code);
      case "reload":
        return this.#parts.router.reload();
      default:
        return this.home();
    }
  }

  /** Whether the screen changes by time alone: a track plays, or a lost connection is retried. */
  get isMoving() {
    const { client } = this.state;
    if (client.party === null || client.over !== null) return false;
    return client.phase !== "live" || client.party.playback.state === "playing";
  }

  /** The store's time in ms, as well as it is known. */
  storeNow() {
    return this.#entering.client?.storeNow() ?? 0;
  }

  /** Keep the party on the screen for a reload of this page. */
  pause() {
    const { client, messages } = this.state;
    if (client.party === null || client.watching || client.over !== null) return;
    this.#parts.storage.keepParty(client.code, { party: client.party, messages });
  }

  #saveName(name) {
    const trimmed = name.trim();
    this.#parts.storage.name = trimmed;
    this.#state.set({ name: trimmed });
  }
}

/** The app's state: a frozen object that each change replaces, so that models and views can compare by identity. */
class AppState {
  #current;
  #onChange;

  constructor(initial, onChange) {
    this.#current = Object.freeze(initial);
    this.#onChange = onChange;
  }

  get current() {
    return this.#current;
  }

  /** Replace the fields in `changes` and report the new state. */
  set(changes) {
    this.#current = Object.freeze({ ...this.#current, ...changes });
    this.#onChange(this.#current);
  }
}

/** What the app is before it has asked anybody for anything. */
function initialState({ router, storage }) {
  return {
    route: router.route,
    entering: null,
    hadSeat: false,
    client: NO_PARTY,
    lookup: { kind: "loading" },
    joinLink: null,
    messages: [],
    unread: 0,
    tab: null,
    name: storage.name,
    askName: false,
    notice: null,
    recap: null,
    recaps: storage.recaps,
    lastSeat: storage.lastSeat,
  };
}
