/**
 * The client of a Hubbub party: holds the connection, comes back after every loss, and keeps the party level.
 * docs/client.md tells all of it.
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
 * Make a client. It connects when it is told to create, join or watch a party.
 *
 * @param {object} [options]
 * @param {string} [options.server] "wss://host/ws"; the page's own host if left out
 * @param {object} [options.world] what it needs of its surroundings; the browser's if left out
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

  /** Everything there is to show. Never changed: each change replaces it. */
  get state() {
    return this.#state;
  }

  /**
   * Listen: "change" tells each new state, "event" each event of the party after the state has it, "reaction"
   * each reaction or count of several.
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
   * Take a seat, the token's own if it has one.
   *
   * @param {string} code as somebody typed it, or a join link
   * @param {{name?: string, token?: string, party?: object}} [options] `party`: a `state.party` of earlier
   * @returns {Promise<{code: string, memberId: string, token: string, isHost: boolean, resumed: boolean}>}
   */
  join(code, { name, token, party } = {}) {
    return this.#enter({ kind: "join", code: squeeze(code), name, token: token ?? this.#newToken(), party });
  }

  /**
   * See a party without a seat.
   *
   * @param {string} code as somebody typed it, or a join link
   * @returns {Promise<{code: string}>}
   */
  watch(code) {
    return this.#enter({ kind: "watch", code: squeeze(code), token: null });
  }

  // Commands. Each resolves when the server has said that it is done, and rejects with a `Refusal`.

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

  /** @param {number} [position] seconds; where it is if left out */
  play(position) {
    return this.#command({ t: "HOST_PLAY", position });
  }

  /** @param {number} [position] seconds; where it is if left out */
  pause(position) {
    return this.#command({ t: "HOST_PAUSE", position });
  }

  /** Give up the seat; from the host it ends the party. */
  leave() {
    return this.#command({ t: "LEAVE" });
  }

  /** The store's time in ms, by which `playback.at` and messages' `at` are told. */
  storeNow() {
    return this.#clock.at(this.#platform.now());
  }

  /** Look now whether the connection lives; try at once where a try is awaited. */
  wake() {
    this.#session?.wake();
  }

  /** Let go without leaving: the seat is held for a while. Nothing is told any more. */
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

  /** Tell what is new. A listener may end the visit or begin another: then the rest is nobody's any more. */
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
