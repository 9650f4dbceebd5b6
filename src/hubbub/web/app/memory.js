/**
 * What this phone remembers: its name, the seats it holds, recaps; and for a reload, the party on the screen.
 *
 * Browsers may refuse storage (private mode, full disk). Then it remembers until the page is closed, and
 * `lasts` is false.
 */
const PREFIX = "hubbub.";
const SEATS_MAX = 12;
const RECAPS_MAX = 5;
/** The server forgets which party a token made after 10 minutes; a minute less is on the safe side. */
const CREATE_REPEAT_MS = 9 * 60_000;

export class Memory {
  #local;
  #session;
  #now;

  /** `local` and `session` are functions that return a `Storage`, or throw where there is none. */
  constructor(local, session, now) {
    this.#local = openStorage(local);
    this.#session = openStorage(session);
    this.#now = now;
  }

  get lasts() {
    return this.#local.lasts;
  }

  get name() {
    const name = this.#read(this.#local, "name");
    return typeof name === "string" ? name : "";
  }

  set name(name) {
    this.#write(this.#local, "name", name);
  }

  /** The seat that this phone holds in a party: `{ code, token, hostName, isHost, entered, out, at }`, or null. */
  seatOf(code) {
    return this.#seats().find((seat) => seat.code === code) ?? null;
  }

  /** The last party that this phone got into and can go back to, or null. */
  get lastSeat() {
    return this.#seats().find((seat) => seat.entered && !seat.out) ?? null;
  }

  /** Keep what is new about a seat, and make it the last. */
  keepSeat(code, changes) {
    const known = this.seatOf(code) ?? { code, hostName: "", isHost: false, entered: false, out: false };
    const others = this.#seats().filter((seat) => seat.code !== code);
    const seat = { ...known, ...changes, at: this.#now() };
    this.#write(this.#local, "seats", [seat, ...others].slice(0, SEATS_MAX));
  }

  forgetSeat(code) {
    this.#write(this.#local, "seats", this.#seats().filter((seat) => seat.code !== code));
    this.#session.remove(`${PREFIX}party.${code}`);
  }

  /** The token of a party that is being created: the same for a repeat, so that it cannot become two parties. */
  createToken(newToken) {
    const pending = this.#read(this.#local, "create");
    if (pending !== null && typeof pending.token === "string" && this.#now() - pending.at < CREATE_REPEAT_MS) {
      return pending.token;
    }
    const token = newToken();
    this.#write(this.#local, "create", { token, at: this.#now() });
    return token;
  }

  forgetCreateToken() {
    this.#local.remove(`${PREFIX}create`);
  }

  /** What this phone keeps of parties that ended, the newest first. */
  get recaps() {
    const recaps = this.#read(this.#local, "recaps");
    return Array.isArray(recaps) ? recaps : [];
  }

  recapOf(code) {
    return this.recaps.find((recap) => recap.code === code) ?? null;
  }

  keepRecap(recap) {
    const others = this.recaps.filter((other) => other.code !== recap.code);
    this.#write(this.#local, "recaps", [recap, ...others].slice(0, RECAPS_MAX));
  }

  /** The party as this tab last showed it, so that a reload draws it at once and asks only for what is new. */
  partyOf(code) {
    return this.#read(this.#session, `party.${code}`);
  }

  keepParty(code, kept) {
    this.#write(this.#session, `party.${code}`, kept);
  }

  #seats() {
    const seats = this.#read(this.#local, "seats");
    return Array.isArray(seats) ? seats : [];
  }

  #read(storage, key) {
    const text = storage.get(PREFIX + key);
    if (text === null) return null;
    try {
      return JSON.parse(text);
    } catch {
      return null; // somebody else wrote there
    }
  }

  #write(storage, key, value) {
    storage.set(PREFIX + key, JSON.stringify(value));
  }
}

/** A storage that never throws: what the browser refuses to keep is kept in this page. */
function openStorage(open) {
  const fallback = new Map();
  let storage = null;
  try {
    storage = open();
    const probe = `${PREFIX}probe`;
    storage.setItem(probe, probe);
    storage.removeItem(probe);
  } catch {
    storage = null;
  }
  return {
    lasts: storage !== null,
    get: (key) => fallback.get(key) ?? storage?.getItem(key) ?? null,
    set(key, text) {
      try {
        if (storage === null) throw new Error("there is no storage");
        storage.setItem(key, text);
        fallback.delete(key);
      } catch {
        fallback.set(key, text);
      }
    },
    remove(key) {
      fallback.delete(key);
      storage?.removeItem(key);
    },
  };
}
