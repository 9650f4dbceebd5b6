/**
 * The client of a Hubbub party: holds the connection, reconnects after every loss, and keeps the party in sync.
 * docs/client.md describes it.
 */

import { browserPlatform, ownServer } from "./client/browser.js";
import { StoreClock } from "./client/clock.js";
import { Emitter } from "./client/emitter.js";
import { localRefusal, Refusal } from "./client/refusal.js";
import { IDLE, PartySession } from "./client/party_session.js";
import { isCode, squeeze } from "./core/code.js";
import { newToken } from "./core/tokens.js";

export { Refusal };

/**
 * Make a client. It connects when `create`, `join` or `watch` is called.
 *
 * @param {object} [options]
 * @param {string} [options.server] "wss://host/ws"; the page's own host if left out
 * @param {object} [options.platform] sockets, timers, clock and random numbers; the browser's if left out
 * @returns {Client}
 */
export function connect({ server, platform } = {}) {
  return new Client(server, platform ?? browserPlatform());
}

class Client {
  #url;
  #platform;
  #clock = new StoreClock();
  #emitter = new Emitter(["change", "event", "reaction"]);
  #session = null;
  #state = IDLE;

  constructor(server, platform) {
    this.#url = server ?? ownServer();
    this.#platform = platform;
  }

  /** Return all there is to show. Each change replaces the object; none changes it. */
  get state() {
    return this.#state;
  }

  /**
   * Listen. "change" gets each new state, "event" each event of the party after the state has it, "reaction" each
   * reaction or count of several.
   *
   * @returns {() => void} stops listening
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * Start a party and be its host. A repeat with the same token within ten minutes gives the same party.
   *
   * @param {{name?: string, token?: string}} [options]
   * @returns {Promise<{code: string, memberId: string, token: string, isHost: boolean}>}
   */
  create({ name, token } = {}) {
    return this.#enter({ kind: "create", code: null, name, token: token ?? this.#newToken() });
  }

  /**
   * Take a seat: the seat of the token if it has one, else a new one.
   *
   * @param {string} code as a person typed it, or a join link
   * @param {{name?: string, token?: string, party?: object}} [options] `party`: a `state.party` of earlier
   * @returns {Promise<{code: string, memberId: string, token: string, isHost: boolean, resumed: boolean}>}
   */
  join(code, { name, token, party } = {}) {
    return this.#enter({ kind: "join", code: squeeze(code), name, token: token ?? this.#newToken(), party });
  }

  /**
   * See a party without a seat.
   *
   * @param {string} code as a person typed it, or a join link
   * @returns {Promise<{code: string}>}
   */
  watch(code) {
    return this.#enter({ kind: "watch", code: squeeze(code), token: null });
  }

  // Commands. Each resolves when the server has answered `OK`, and rejects with a `Refusal`.

  sendMessage(text) {
    return this.#command({ t: "SEND_MESSAGE", text });
  }

  react(emoji) {
    return this.#command({ t: "SEND_REACTION", emoji });
  }

  rename(name) {
    return this.#command({ t: "RENAME", name });
  }

  kick(targetId) {
    return this.#command({ t: "KICK", targetId });
  }

  promote(targetId) {
    return this.#command({ t: "PROMOTE", targetId });
  }

  /** @param {"OPEN" | "EMOJI_ONLY" | "LOCKED"} mode */
  setChatMode(mode) {
    return this.#command({ t: "CHAT_MODE_SET", mode });
  }

  setLocked(locked) {
    return this.#command({ t: "LOCK_SET", locked });
  }

  selectTrack(filename) {
    return this.#command({ t: "HOST_TRACK_SELECTED", filename });
  }

  /** @param {string | null} filename null for none */
  queueTrack(filename) {
    return this.#command({ t: "HOST_NEXT_TRACK_QUEUED", filename });
  }

  changeTrack(filename, nextFilename) {
    return this.#command({ t: "HOST_TRACK_CHANGED", filename, nextFilename });
  }

  /** @param {number} [position] seconds; the current position if left out */
  play(position) {
    return this.#command({ t: "HOST_PLAY", position });
  }

  /** @param {number} [position] seconds; the current position if left out */
  pause(position) {
    return this.#command({ t: "HOST_PAUSE", position });
  }

  /** Give up the seat; from the host it ends the party. */
  leave() {
    return this.#command({ t: "LEAVE" });
  }

  /** Return the store's time in ms, the clock of `playback.at` and of messages' `at`. */
  storeNow() {
    return this.#clock.at(this.#platform.now());
  }

  /** Probe the connection now; while a try is awaited, try at once. */
  wake() {
    this.#session?.wake();
  }

  /** Close the connection without leaving: the seat is held for a while. No listener is called any more. */
  close() {
    this.#session?.stop();
    this.#session = null;
    this.#state = IDLE;
  }

  #newToken() {
    return newToken(this.#platform.randomBytes);
  }

  #enter(purpose) {
    this.#session?.stop();
    const parts = { platform: this.#platform, url: this.#url, clock: this.#clock };
    const session = new PartySession(parts, purpose, (news) => this.#publish(session, news));
    this.#session = session;
    if (purpose.code === "") session.refuse("code_required");
    else if (purpose.code !== null && !isCode(purpose.code)) session.refuse("party_not_found");
    else if (session.isTooLong) session.refuse("too_long");
    else session.start();
    return session.entering;
  }

  #command(message) {
    if (this.#session !== null) return this.#session.command(message);
    const promise = Promise.reject(localRefusal("not_connected"));
    promise.catch(() => {});
    return promise;
  }

  /** Call the listeners. One of them may end the session or begin another: then the rest is dropped. */
  #publish(session, news) {
    const isWanted = () => this.#session === session;
    const state = session.state;
    if (Object.keys(state).some((field) => state[field] !== this.#state[field])) {
      this.#state = Object.freeze(state);
      this.#emitter.emit("change", this.#state, isWanted);
    }
    for (const [name, value] of news) {
      this.#emitter.emit(name, value, isWanted);
    }
  }
}
