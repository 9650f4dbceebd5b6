/** Keeps one connection to a party up: opens it, enters, sends pings, and decides when to try again. */

import { CLOSE_CODES } from "../core/contract.js";
import { Connection, GOING_AWAY, LOST } from "./connection.js";
import { Heartbeat, PROBE_TIMEOUT_MS } from "./heartbeat.js";

// Bounds of the wait before the next try: after a connection that lasted, after failed tries (doubled each time), and
// after the instance said that it restarts.
const AT_ONCE_MS = 250;
const FIRST_MS = 500;
const MAX_MS = 10_000;
const RESTART_MS = 5_000;
const OPEN_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 5_000;
// A large party comes in one frame, without any message before its end. On a slow network that takes long, so each
// failed try gets twice the time. Without this, such a phone would never get in.
const ROOM_TIMEOUT_MS = 10_000;
const ROOM_TIMEOUT_MAX_MS = 80_000;
// A try younger than this is as good as a new one. Without this, signals in a row would abandon socket after socket.
const FRESH_MS = 1_000;
// A connection that lasted less long does not reset the backoff. Without this, an instance that accepts and drops
// everybody would be asked without a pause.
const LASTED_MS = 5_000;
const TICK_MS = 5_000;
const JUMP_MS = 10_000;
// A page in the back/forward cache has no timers; a page that was not frozen after all comes back by itself.
const FROZEN_MS = 5_000;

export class ReconnectingSocket {
  /** When the next try is, ms of the local clock; null if none is planned. */
  nextTryAt = null;
  /** Why the last try failed, `{reason, message?}`; null if it did not. */
  trouble = null;
  #platform;
  #url;
  #clock;
  #states;
  #hooks;
  #heartbeat;
  #connection = null;
  #cancelTimer = null;
  #cancelTick = null;
  #stopSignals = null;
  #isOffline = false;
  #failures = 0;
  #triedAt = 0;
  #syncedAt = 0;

  /**
   * @param {object} parts
   * @param {object} parts.platform
   * @param {string} parts.url
   * @param {import("./clock.js").StoreClock} parts.clock learns from every `PONG`
   * @param {import("./connection_states.js").ConnectionStates} states shared with the session
   * @param {object} hooks
   * @param {() => object} hooks.enterMessage the message that enters the party, new for each try
   * @param {(messages: object[]) => void} hooks.onMessages a frame, `PONG` and `WELCOME` included
   * @param {(code: number, reason: string) => void} hooks.onClosed the connection is gone; may `stop()` this socket.
   *   `onStatus` follows
   * @param {() => void} hooks.onStatus `trouble` or `nextTryAt` may have changed
   */
  constructor({ platform, url, clock }, states, hooks) {
    this.#platform = platform;
    this.#url = url;
    this.#clock = clock;
    this.#states = states;
    this.#hooks = hooks;
    this.#heartbeat = new Heartbeat(platform, {
      sendPing: (message) => this.send(JSON.stringify(message)),
      onDead: () => this.drop(),
    });
  }

  start() {
    this.#tick();
    this.#try();
    const stopSignals = this.#platform.signals((signal) => this.#onSignal(signal));
    // A signal may come while this listens for the first time, and may stop this socket.
    if (this.#states.isStopped) stopSignals();
    else this.#stopSignals = stopSignals;
  }

  /** Close the connection and end every timer, for good. The session reports `stop` or `finish`. */
  stop() {
    this.#stopSignals?.();
    this.#cancelTick?.();
    this.#cancelTimer?.();
    this.#dropConnection();
    this.nextTryAt = null;
    this.trouble = null;
  }

  /** Send text, if there is a connection to send it on. */
  send(text) {
    this.#connection?.send(text);
  }

  /** The entering command was accepted: wait for the party. */
  accepted() {
    if (!this.#states.on("accepted")) return;
    const timeout = Math.min(ROOM_TIMEOUT_MAX_MS, ROOM_TIMEOUT_MS * 2 ** this.#failures);
    this.#setTimer(timeout, () => this.drop());
  }

  /** The party is complete. Returns false if it was already. */
  synced() {
    if (!this.#states.on("synced")) return false;
    this.#cancelTimer?.();
    this.#syncedAt = this.#platform.now();
    this.trouble = null;
    this.#heartbeat.start();
    return true;
  }

  /** Entering was refused for now: repeat it later, on this connection if it is still open. */
  retryLater(trouble) {
    if (!this.#states.on("refused")) return;
    this.#failures += 1;
    this.trouble = trouble;
    this.#wait(backoffMs({ failures: this.#failures }, this.#platform.random()));
  }

  /** Give the connection up and try another. */
  drop() {
    this.#onLost(LOST, "");
  }

  /** Look now: try at once while a try is awaited, else probe the connection. */
  wake() {
    const { stage } = this.#states;
    const isStale = this.#platform.now() - this.#triedAt > FRESH_MS;
    this.#failures = 0;
    if (stage === "waiting" || (stage === "opening" && isStale)) {
      this.#dropConnection();
      this.#try();
    } else {
      this.#probe();
    }
    this.#hooks.onStatus();
  }

  #try() {
    this.nextTryAt = null;
    this.#triedAt = this.#platform.now();
    if (this.#connection?.isOpen) {
      this.#sendEnter();
      return;
    }
    this.#dropConnection();
    this.#states.on("connect");
    this.#setTimer(OPEN_TIMEOUT_MS, () => this.drop());
    this.#connection = new Connection(this.#platform, this.#url, {
      onOpen: () => this.#sendEnter(),
      onMessages: (messages) => this.#onMessages(messages),
      onClosed: (code, reason) => this.#onLost(code, reason),
    });
  }

  #sendEnter() {
    this.#states.on("enter");
    this.#setTimer(ANSWER_TIMEOUT_MS, () => this.drop());
    this.send(JSON.stringify(this.#hooks.enterMessage()));
    this.#hooks.onStatus();
  }

  #onMessages(messages) {
    this.#heartbeat.onMessage();
    if (this.#isOffline) this.#onOnline();
    for (const message of messages) {
      if (message.t === "WELCOME") this.#heartbeat.setInterval(message.heartbeatSeconds);
      if (message.t === "PONG") this.#onPong(message);
    }
    this.#hooks.onMessages(messages);
  }

  #onPong(pong) {
    const sentAt = this.#heartbeat.sentAt(pong);
    if (sentAt !== undefined) this.#clock.learn(sentAt, pong.serverTime, this.#platform.now());
  }

  #onLost(code, reason) {
    const { phase, stage } = this.#states;
    this.#dropConnection();
    this.#hooks.onClosed(code, reason);
    if (!this.#states.isStopped) {
      this.#states.on("lost");
      // A refused connection that closes while the next try is awaited changes nothing.
      if (phase === "live") this.#reconnect(code === CLOSE_CODES.SERVICE_RESTART);
      else if (stage !== "waiting") this.#onFailure();
    }
    this.#hooks.onStatus();
  }

  #reconnect(isRestart) {
    const lasted = this.#platform.now() - this.#syncedAt >= LASTED_MS;
    if (lasted) this.#failures = 0;
    this.#wait(backoffMs({ failures: this.#failures, isRestart }, this.#platform.random()));
    if (!lasted) this.#failures += 1;
  }

  #onFailure() {
    this.#failures += 1;
    this.trouble = { reason: this.#isOffline ? "offline" : "unreachable" };
    this.#wait(backoffMs({ failures: this.#failures }, this.#platform.random()));
  }

  #wait(ms) {
    this.nextTryAt = this.#platform.now() + ms;
    this.#setTimer(ms, () => this.#try());
  }

  #onSignal(signal) {
    if (signal === "frozen") this.#freeze();
    if (signal === "offline") this.#onOffline();
    if (signal === "online") this.#onOnline();
    if (signal === "shown" || signal === "online") this.wake();
  }

  #onOffline() {
    this.#isOffline = true;
    this.trouble = { reason: "offline" };
    this.#probe();
    this.#hooks.onStatus();
  }

  #onOnline() {
    this.#isOffline = false;
    if (this.trouble?.reason === "offline") this.trouble = null;
  }

  /** Close the socket before the page is frozen: with an open one the browser would not keep the page. */
  #freeze() {
    this.#dropConnection();
    this.#hooks.onClosed(GOING_AWAY, "");
    if (!this.#states.isStopped) {
      this.#states.on("lost");
      this.#wait(FROZEN_MS);
    }
    this.#hooks.onStatus();
  }

  /** Ask the connection for a message within a short time. */
  #probe() {
    const { phase, stage } = this.#states;
    if (stage === "entering") this.#setTimer(PROBE_TIMEOUT_MS, () => this.drop());
    if (stage === "loading" || phase === "live") this.#heartbeat.probe();
  }

  /** Notice that the device slept: no signal reports that, but timers come late. */
  #tick() {
    const due = this.#platform.now() + TICK_MS;
    this.#cancelTick = this.#platform.after(TICK_MS, () => {
      const late = this.#platform.now() - due;
      this.#tick();
      if (late > JUMP_MS) this.wake();
    });
  }

  #setTimer(ms, run) {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#platform.after(ms, run);
  }

  #dropConnection() {
    this.#heartbeat.stop();
    this.#connection?.close();
    this.#connection = null;
  }
}

/**
 * Return how long to wait before the next try, in ms. Jitter spreads the clients that lost their connections together.
 *
 * @param {object} loss
 * @param {number} loss.failures tries that have failed since the last connection that lasted
 * @param {boolean} [loss.isRestart] whether the instance closed with SERVICE_RESTART
 * @param {number} random from 0 to 1
 * @returns {number} ms
 */
export function backoffMs({ failures, isRestart = false }, random) {
  if (failures > 0) return random * Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1));
  return random * (isRestart ? RESTART_MS : AT_ONCE_MS);
}
