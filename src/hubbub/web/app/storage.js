/**
 * What the browser stores: the person's name, seats, recaps; and for a reload, the party on the screen.
 *
 * Browsers may refuse storage (private mode, full disk). Then all of it lasts until the page is closed, and
 * `isPersistent` is false.
 */
import { isCode } from "../core/code.js";
import { IDEMPOTENCY_SECONDS } from "../core/contract.js";

const PREFIX = "hubbub.";
const SEATS_MAX = 12;
const RECAPS_MAX = 5;
/** The server forgets which party a token created; a minute less is safe even if clocks differ. */
const CREATE_REPEAT_MS = (IDEMPOTENCY_SECONDS - 60) * 1000;

export class BrowserStorage {
  #local;
  #session;
  #now;

  /** `local` and `session` are functions that return a `Storage`, or throw if there is none. */
  constructor(local, session, now) {
    this.#local = openStorage(local);
    this.#session = openStorage(session);
    this.#now = now;
  }

  get isPersistent() {
    return this.#local.isPersistent;
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
    this.#write(
      this.#local,
      "seats",
      this.#seats().filter((seat) => seat.code !== code),
    );
    this.#session.remove(`${PREFIX}party.${code}`);
  }

  /** The token of a party that is being created: the same for a repeat, so that it cannot become two parties. */
  createToken(newToken) {
    const pending = this.#read(this.#local, "create");
    // Absolute: after the clock was set back, a token would otherwise be kept for hours.
    const isRecent = Math.abs(this.#now() - pending?.at) < CREATE_REPEAT_MS;
    if (isRecent && typeof pending.token === "string") return pending.token;
    const token = newToken();
    this.#write(this.#local, "create", { token, at: this.#now() });
    return token;
  }

  forgetCreateToken() {
    this.#local.remove(`${PREFIX}create`);
  }

  /** Return the recaps of parties that ended, the newest first. */
  get recaps() {
    return this.#list("recaps").filter(isRecap);
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
    const kept = this.#read(this.#session, `party.${code}`);
    return isObject(kept?.party) && Array.isArray(kept.messages) ? kept : null;
  }

  keepParty(code, kept) {
    this.#write(this.#session, `party.${code}`, kept);
  }

  #seats() {
    return this.#list("seats").filter((seat) => isCode(seat?.code));
  }

  #list(key) {
    const list = this.#read(this.#local, key);
    return Array.isArray(list) ? list : [];
  }

  #read(storage, key) {
    const text = storage.get(PREFIX + key);
    if (text === null) return null;
    try {
      return JSON.parse(text);
    } catch {
      return null; // not written by this app
    }
  }

  #write(storage, key, value) {
    storage.set(PREFIX + key, JSON.stringify(value));
  }
}

function isRecap(recap) {
  return isCode(recap?.code) && Number.isFinite(recap.endedAt) && Array.isArray(recap.top);
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** Return a storage that never throws: what the browser refuses is kept in this page. */
function openStorage(open) {
  const unkept = new Map();
  const storage = attempt(open) ?? null;
  const probe = `${PREFIX}probe`;
  // A full storage cannot be written, but it can still be read.
  const isWritable = done(() => {
    storage.setItem(probe, probe);
    storage.removeItem(probe);
  });
  return {
    get isPersistent() {
      return isWritable && unkept.size === 0;
    },
    get: (key) => unkept.get(key) ?? attempt(() => storage.getItem(key)) ?? null,
    set(key, text) {
      if (done(() => storage.setItem(key, text))) unkept.delete(key);
      else unkept.set(key, text);
    },
    remove(key) {
      unkept.delete(key);
      done(() => storage.removeItem(key));
    },
  };
}

/** Return the result of `run`, or undefined if the browser throws or has no storage. */
function attempt(run) {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Return whether `run` ended without an error. */
function done(run) {
  return (
    attempt(() => {
      run();
      return true;
    }) === true
  );
}
