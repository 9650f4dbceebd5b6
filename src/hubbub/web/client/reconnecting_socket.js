/** Keeps one connection up: opens it, greets, asks for signs of life, and decides when to try again. */

import { waitMs } from "./backoff.js";
import { Connection } from "./connection.js";
import { Heartbeat, PROBE_TIMEOUT_MS } from "./heartbeat.js";

const OPEN_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 5_000;
// A large party over a slow network takes its time, and comes in one frame, without a sign of life before its
// end. Whoever did not get it is given twice as long the next time.
const ROOM_TIMEOUT_MS = 10_000;
const ROOM_TIMEOUT_MAX_MS = 80_000;
// A try younger than this is as good as a new one, however many signals come.
const FRESH_MS = 1_000;
// A connection that did not last as long as this is no proof that things are well.
const LASTED_MS = 5_000;
const TICK_MS = 5_000;
const JUMP_MS = 10_000;
// A page in the back/forward cache has no timers; one that only seemed to go there comes back by itself.
const FROZEN_MS = 5_000;

const SERVICE_RESTART = 1012;
const GOING_AWAY = 1001;
const DROPPED = 1006;

/**
 * Stages: "idle" (not started, or stopped), "opening", "entering" (the greeting is not answered yet),
 * "loading" (answered, but the party is not complete yet), "synced", "waiting" (for the next try; after a
 * retryable refusal the connection may still be open meanwhile).
 */
export class ReconnectingSocket {
  /** When the next try is, ms of the local clock; null where none is planned. */
  nextTryAt = null;
  /** Why the last try failed, `{reason, message?}`; null where it did not. */
  trouble = null;
  #screenHost = "idle";
  #platform;
  #url;
  #clock;
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
   * @param {object} parts.world
   * @param {string} parts.url
   * @param {import("./clock.js").StoreClock} parts.clock learns from every `PONG`
   * @param {object} hooks
   * @param {() => object} hooks.enterMessage the message that enters the party, new for each try
   * @param {(messages: object[]) => void} hooks.onMessages a frame, `PONG` and `WELCOME` included
   * @param {(code: number, reason: string) => void} hooks.onClosed the connection is gone; may `stop()` this.
   *   `moved` follows
   * @param {() => void} hooks.onStatus `trouble` or `nextTryAt` may have changed
   */
  constructor({ platform, url, clock }, hooks) {
    this.#platform = platform;
    this.#url = url;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#heartbeat = new Heartbeat(platform, {
      sendPing: (message) => this.send(JSON.stringify(message)),
      onDead: () => this.drop(),
    });
  }

  start() {
    this.#screenHost = "opening";
    this.#tick();
    this.#try();
    const stopSignals = this.#platform.signals((signal) => this.#onSignal(signal));
    // A signal may come at once, and whoever hears of it may stop this.
    if (this.#screenHost === "idle") stopSignals();
    else this.#stopSignals = stopSignals;
  }

  /** Let go of everything, for good. */
  stop() {
    this.#screenHost = "idle";
    this.#stopSignals?.();
    this.#cancelTick?.();
    this.#cancelTimer?.();
    this.#dropConnection();
    this.nextTryAt = null;
    this.trouble = null;
  }

  get isSynced() {
    return this.#screenHost === "synced";
  }

  /** Send text, if there is a connection to send it on. */
  send(text) {
    this.#connection?.send(text);
  }

  /** The greeting was answered: from now on the party is awaited. */
  answered() {
    this.#screenHost = "loading";
    const timeout = Math.min(ROOM_TIMEOUT_MAX_MS, ROOM_TIMEOUT_MS * 2 ** this.#failures);
    this.#setTimer(timeout, () => this.drop());
  }

  /** The party is complete. */
  synced() {
    this.#screenHost = "synced";
    this.#cancelTimer?.();
    this.#syncedAt = this.#platform.now();
    this.trouble = null;
    this.#heartbeat.start();
  }

  /** The greeting was refused for now: it is repeated later, on this connection if it is still there. */
  retryLater(trouble) {
    this.#failures += 1;
    this.trouble = trouble;
    this.#wait(waitMs({ failures: this.#failures }, this.#platform.random()));
  }

  /** Give the connection up and try another. */
  drop() {
    this.#onLost(DROPPED, "");
  }

  /** There is reason to look now: a try at once where one is awaited, a question where all seems well. */
  wake() {
    this.#failures = 0;
    const isStale = this.#platform.now() - this.#triedAt > FRESH_MS;
    if (this.#screenHost === "waiting" || (this.#screenHost === "opening" && isStale)) {
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
    this.#screenHost = "opening";
    this.#setTimer(OPEN_TIMEOUT_MS, () => this.drop());
    this.#connection = new Connection(this.#platform, this.#url, {
      onOpen: () => this.#sendEnter(),
      onMessages: (messages) => this.#onMessages(messages),
      onClosed: (code, reason) => this.#onLost(code, reason),
    });
  }

  #sendEnter() {
    this.#screenHost = "entering";
    this.#setTimer(ANSWER_TIMEOUT_MS, () => this.drop());
    this.send(JSON.stringify(this.#hooks.enterMessage()));
    this.#hooks.onStatus();
  }

  #onMessages(messages) {
    this.#heartbeat.onMessage();
    if (this.#isOffline) {
      this.#isOffline = false;
      if (this.trouble?.reason === "offline") this.trouble = null;
    }
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
    const screenHost = this.#screenHost;
    this.#dropConnection();
    this.#hooks.onClosed(code, reason);
    if (this.#screenHost !== "idle") {
      // A refused connection that closes while the next try is awaited changes nothing.
      if (screenHost === "synced") this.#reconnect(code === SERVICE_RESTART);
      else if (screenHost !== "waiting") this.#onFailure();
    }
    this.#hooks.onStatus();
  }

  #reconnect(isRestart) {
    const lasted = this.#platform.now() - this.#syncedAt >= LASTED_MS;
    if (lasted) this.#failures = 0;
    this.#wait(waitMs({ failures: this.#failures, isRestart }, this.#platform.random()));
    if (!lasted) this.#failures += 1;
  }

  #onFailure() {
    this.#failures += 1;
    this.trouble = { reason: this.#isOffline ? "offline" : "unreachable" };
    this.#wait(waitMs({ failures: this.#failures }, this.#platform.random()));
  }

  #wait(ms) {
    this.#screenHost = "waiting";
    this.nextTryAt = this.#platform.now() + ms;
    this.#setTimer(ms, () => this.#try());
  }

  #onSignal(signal) {
    if (signal === "frozen") this.#freeze();
    if (signal === "offline") this.#onOffline();
    if (signal === "online") {
      this.#isOffline = false;
      if (this.trouble?.reason === "offline") this.trouble = null;
    }
    if (signal === "shown" || signal === "online") this.wake();
  }

  #onOffline() {
    this.#isOffline = true;
    this.trouble = { reason: "offline" };
    this.#probe();
    this.#hooks.onStatus();
  }

  /** The page is about to be frozen: a socket that is closed in time lets the browser keep the page. */
  #freeze() {
    this.#dropConnection();
    this.#hooks.onClosed(GOING_AWAY, "");
    if (this.#screenHost !== "idle") this.#wait(FROZEN_MS);
    this.#hooks.onStatus();
  }

  /** Find out soon whether the connection lives. */
  #probe() {
    if (this.#screenHost === "entering") this.#setTimer(PROBE_TIMEOUT_MS, () => this.drop());
    if (this.#screenHost === "loading" || this.#screenHost === "synced") this.#heartbeat.probe();
  }

  /** A device that slept is told so by nobody: its timers come late. */
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
