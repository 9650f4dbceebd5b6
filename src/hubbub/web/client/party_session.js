/** One client's stay in a party: from `create`, `join` or `watch` to its end, over any number of connections. */

import {
  CLOSE_CODES,
  FINAL_CLOSE_REASONS,
  FRAME_BYTES_MAX,
  isFinalCloseCode,
  MESSAGE_OVERHEAD_BYTES_MAX,
} from "../core/contract.js";
import { ConnectionStates } from "./connection_states.js";
import { ReconnectingSocket } from "./reconnecting_socket.js";
import { localRefusal, Refusal, refusalOf } from "./refusal.js";
import { Replica } from "./replica.js";
import { Requests } from "./requests.js";

// Name and token share the frame with the rest of the entering command.
const ENTRY_BYTES_MAX = FRAME_BYTES_MAX - MESSAGE_OVERHEAD_BYTES_MAX;

const ENTERED = new Set(["CREATED", "JOINED", "WATCHING"]);

/** The state of a client that is in no party; `PartySession.state` has the same fields. */
export const IDLE = Object.freeze({
  phase: "idle",
  code: null,
  memberId: null,
  token: null,
  isHost: false,
  watching: false,
  party: null,
  store: "connected",
  trouble: null,
  lostAt: null,
  nextTryAt: null,
  over: null,
});

export class PartySession {
  /** Settles when the party is entered or cannot be. */
  entering;
  #purpose;
  #platform;
  #onChange;
  #replica;
  #socket;
  #requests = new Requests();
  #settle;
  #states = new ConnectionStates();
  #memberId = null;
  #store = "connected";
  #lostAt;
  #over = null;
  #enterId = null;
  #leaveId = null;
  #resumed = null;
  #news = [];

  /**
   * @param {object} parts `platform`, `url`, `clock`
   * @param {object} purpose
   * @param {"create" | "join" | "watch"} purpose.kind
   * @param {string | null} purpose.code null until the party is created
   * @param {string | null} purpose.token null for watchers
   * @param {string} [purpose.name]
   * @param {unknown} [purpose.party] a state kept from earlier
   * @param {(news: [string, object][]) => void} onChange called when `state` may have changed, with what happened
   */
  constructor(parts, purpose, onChange) {
    this.#purpose = { ...purpose };
    this.#platform = parts.platform;
    this.#onChange = onChange;
    this.#replica = new Replica(purpose.party, purpose.code);
    this.#lostAt = parts.platform.now();
    this.entering = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.entering.catch(() => {});
    this.#socket = new ReconnectingSocket(parts, this.#states, {
      enterMessage: () => this.#enterMessage(),
      onMessages: (messages) => this.#onMessages(messages),
      onClosed: (code, reason) => this.#onClosed(code, reason),
      onStatus: () => this.#publish(),
    });
  }

  start() {
    this.#socket.start();
    this.#publish();
  }

  /** Close without leaving; `onChange` is not called any more. */
  stop() {
    this.#onChange = () => {};
    this.#states.on("stop");
    this.#socket.stop();
    this.#requests.lose();
    this.#settle.reject(localRefusal("closed"));
  }

  /** End before it began, for a reason of the client's own. */
  refuse(reason) {
    const refusal = localRefusal(reason);
    this.#finish({ reason, message: refusal.message }, refusal);
    this.#publish();
  }

  /** Whether the entering command would not fit into a frame, for which the server closes the connection. */
  get isTooLong() {
    const { name, token } = this.#purpose;
    return bytesOf(JSON.stringify({ name, token })) > ENTRY_BYTES_MAX;
  }

  wake() {
    this.#socket.wake();
  }

  get state() {
    const { code, token, kind } = this.#purpose;
    const { party } = this.#replica;
    return {
      phase: this.#states.phase,
      code,
      memberId: this.#memberId,
      token,
      isHost: this.#memberId !== null && party?.hostId === this.#memberId,
      watching: kind === "watch",
      party,
      store: this.#store,
      trouble: this.#socket.trouble,
      lostAt: this.#lostAt,
      nextTryAt: this.#socket.nextTryAt,
      over: this.#over,
    };
  }

  /** Send a command. Resolves on `OK`, rejects with a `Refusal`. */
  command(message) {
    if (this.#states.phase !== "live") return refused("not_connected");
    const requestId = this.#requests.newId();
    const text = JSON.stringify({ ...message, requestId });
    if (bytesOf(text) > FRAME_BYTES_MAX) return refused("too_long");
    const answer = this.#requests.wait(requestId);
    if (message.t === "LEAVE") this.#leaveId = requestId;
    // Set before the answer: if the answer is lost, entering again repeats the new name.
    if (message.t === "RENAME") this.#rememberName(message.name, answer);
    this.#socket.send(text);
    return answer;
  }

  #rememberName(name, answer) {
    const before = this.#purpose.name;
    this.#purpose.name = name;
    answer.catch((refusal) => {
      if (refusal.reason !== "lost" && this.#purpose.name === name) this.#purpose.name = before;
    });
  }

  #enterMessage() {
    const { kind, code, token } = this.#purpose;
    const since = this.#replica.since();
    const requestId = this.#requests.newId();
    this.#enterId = requestId;
    if (kind === "watch") return { t: "WATCH", requestId, code };
    const name = this.#nameToSend();
    if (code === null) return { t: "CREATE", requestId, name, token };
    return { t: "JOIN", requestId, code, name, token, since };
  }

  /** Return the name for the seat: if its hold has expired, the new seat gets the same name. */
  #nameToSend() {
    const seen = this.#replica.party?.members.find(({ id }) => id === this.#memberId)?.name;
    return this.#purpose.name || seen || undefined;
  }

  #onMessages(messages) {
    for (const message of messages) {
      // Ignore what follows a message that ended the session or the connection.
      if (this.#handle(message) === "stop") break;
    }
    this.#publish();
  }

  #handle(message) {
    if (ENTERED.has(message.t)) this.#onEntered(message);
    else if (message.t === "OK") this.#onOk(message);
    else if (message.t === "ERROR") this.#onError(message);
    else if (message.t === "STATUS") this.#store = message.store;
    else if (message.t === "KICKED") this.#finish({ reason: "kicked" });
    else if (message.t === "REACTION") this.#onReaction({ [message.emoji]: 1 }, message);
    else if (message.t === "REACTIONS") this.#onReaction(message.counts, {});
    else return this.#applyMessage(message);
    return this.#over === null ? "go on" : "stop";
  }

  #onEntered(message) {
    this.#purpose.code = message.code;
    this.#purpose.token = message.token ?? this.#purpose.token;
    this.#memberId = message.memberId ?? null;
    this.#resumed ??= message.resumed ?? false;
    this.#replica.answered(message);
    this.#socket.accepted();
    this.#onSynced();
  }

  #applyMessage(message) {
    const applied = this.#applySafely(message);
    if (applied === "gap") {
      this.#replica.invalidate();
      this.#socket.drop();
      return "stop";
    }
    if (applied === "event") this.#news.push(["event", message]);
    this.#onSynced();
    if (applied === "event" && message.t === "ENDED") {
      const { cause, recap } = message;
      this.#finish({ reason: this.#leaveId === null ? "party_ended" : "left", cause, recap });
      return "stop";
    }
    return "go on";
  }

  /** An event that cannot be applied shows that the replica is wrong, like a gap. */
  #applySafely(message) {
    try {
      return this.#replica.apply(message);
    } catch {
      return "gap";
    }
  }

  #onSynced() {
    if (!this.#replica.isSynced || !this.#socket.synced()) return;
    this.#lostAt = null;
    const { code, memberId, token, isHost } = this.state;
    const seat = { code, memberId, token, isHost };
    const results = { create: seat, join: { ...seat, resumed: this.#resumed }, watch: { code } };
    this.#settle.resolve(results[this.#purpose.kind]);
  }

  #onOk(message) {
    this.#requests.answered(message);
    if (this.#leaveId !== null && message.requestId === this.#leaveId) this.#finish({ reason: "left" });
  }

  #onError(message) {
    if (message.requestId === undefined) return;
    if (message.requestId === this.#leaveId) this.#leaveId = null;
    if (message.requestId === this.#enterId) this.#onEnterRefused(refusalOf(message));
    else this.#requests.answered(message);
  }

  #onEnterRefused(refusal) {
    const { reason, message } = refusal;
    // A wall has nobody to press a button: it must open by itself when the host unlocks the party.
    const isPatient = this.#purpose.kind === "watch" && reason === "party_locked";
    if (refusal.retryable || isPatient) this.#socket.retryLater({ reason, message });
    else this.#finish({ reason, message }, refusal);
  }

  #onReaction(counts, { name, memberId }) {
    this.#news.push(["reaction", memberId === undefined ? { counts } : { counts, name, memberId }]);
  }

  #onClosed(code, reason) {
    this.#store = "connected";
    this.#enterId = null;
    const isLeaving = this.#leaveId !== null;
    if (isLeaving && code === CLOSE_CODES.LEFT) this.#requests.succeed(this.#leaveId);
    this.#requests.lose();
    // A client that is leaving does not reconnect when the answer is lost: its seat expires by itself.
    if (isLeaving) this.#finish({ reason: "left" });
    else if (isFinalCloseCode(code)) this.#finish({ reason: FINAL_CLOSE_REASONS[code] ?? (reason || "closed") });
    else if (this.#states.phase === "live") this.#lostAt = this.#platform.now();
  }

  #finish(over, refusal = new Refusal(over.reason, over.message)) {
    this.#over = Object.freeze(over);
    this.#states.on("finish");
    this.#lostAt = null;
    if (over.reason === "left" && this.#leaveId !== null) this.#requests.succeed(this.#leaveId);
    this.#requests.lose();
    this.#socket.stop();
    this.#settle.reject(refusal);
  }

  #publish() {
    const news = this.#news;
    this.#news = [];
    this.#onChange(news);
  }
}

function refused(reason) {
  const promise = Promise.reject(localRefusal(reason));
  promise.catch(() => {});
  return promise;
}

function bytesOf(text) {
  return new TextEncoder().encode(text).length;
}
