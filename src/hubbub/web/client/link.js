/** Keeps one connection up: opens it, greets, asks for signs of life, and decides when to try again. */

import { waitMs } from "./backoff.js";
import { Connection } from "./connection.js";
import { Heartbeat, PROBE_PATIENCE_MS } from "./heartbeat.js";

const OPEN_PATIENCE_MS = 5_000;
const ANSWER_PATIENCE_MS = 5_000;
// A large party over a slow network takes its time, and comes in one frame, without a sign of life before its
// end. Whoever did not get it is given twice as long the next time.
const ROOM_PATIENCE_MS = 10_000;
const ROOM_PATIENCE_MOST_MS = 80_000;
// A try younger than this is as good as a new one, however many signals come.
const FRESH_MS = 1_000;
// A connection that did not last as long as this is no proof that things are well.
const LASTED_MS = 5_000;
const TICK_MS = 5_000;
const JUMP_MS = 10_000;
// A page in the back/forward cache has no timers; one that only seemed to go there comes back by itself.
const PARKED_MS = 5_000;

const SERVICE_RESTART = 1012;
const GOING_AWAY = 1001;
const DROPPED = 1006;

/**
 * Stages: "resting" (not started, or stopped), "opening", "greeting" (the greeting is not answered yet),
 * "loading" (answered, but the party is not complete yet), "level", "waiting" (for the next try; after a
 * retryable refusal the connection may still be open meanwhile).
 */
export class Link {
  /** When the next try is, ms of the local clock; null where none is planned. */
  nextTryAt = null;
  /** Why the last try failed, `{reason, message?}`; null where it did not. */
  trouble = null;
  #stage = "resting";
  #world;
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
  #levelAt = 0;

  /**
   * @param {object} parts
   * @param {object} parts.world
   * @param {string} parts.url
   * @param {import("./clock.js").StoreClock} parts.clock learns from every `PONG`
   * @param {object} hooks
   * @param {() => object} hooks.greeting the message that enters the party, new for each try
   * @param {(messages: object[]) => void} hooks.heard a frame, `PONG` and `WELCOME` included
   * @param {(code: number, reason: string) => void} hooks.broken the connection is gone; may `stop()` this.
   *   `moved` follows
   * @param {() => void} hooks.moved `trouble` or `nextTryAt` may have changed
   */
  constructor({ world, url, clock }, hooks) {
    this.#world = world;
    this.#url = url;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#heartbeat = new Heartbeat(world, {
      ping: (message) => this.send(JSON.stringify(message)),
      dead: () => this.drop(),
    });
  }

  start() {
    this.#stage = "opening";
    this.#tick();
    this.#try();
    const stopSignals = this.#world.signals((signal) => this.#signalled(signal));
    // A signal may come at once, and whoever hears of it may stop this.
    if (this.#stage === "resting") stopSignals();
    else this.#stopSignals = stopSignals;
  }

  /** Let go of everything, for good. */
  stop() {
    this.#stage = "resting";
    this.#stopSignals?.();
    this.#cancelTick?.();
    this.#cancelTimer?.();
    this.#letGoOfConnection();
    this.nextTryAt = null;
    this.trouble = null;
  }

  get isLevel() {
    return this.#stage === "level";
  }

  /** Send text, if there is a connection to send it on. */
  send(text) {
    this.#connection?.send(text);
  }

  /** The greeting was answered: from now on the party is awaited. */
  answered() {
    this.#stage = "loading";
    const patience = Math.min(ROOM_PATIENCE_MOST_MS, ROOM_PATIENCE_MS * 2 ** this.#failures);
    this.#setTimer(patience, () => this.drop());
  }

  /** The party is complete. */
  level() {
    this.#stage = "level";
    this.#cancelTimer?.();
    this.#levelAt = this.#world.now();
    this.trouble = null;
    this.#heartbeat.start();
  }

  /** The greeting was refused for now: it is repeated later, on this connection if it is still there. */
  refused(trouble) {
    this.#failures += 1;
    this.trouble = trouble;
    this.#wait(waitMs({ failures: this.#failures }, this.#world.random()));
  }

  /** Give the connection up and try another. */
  drop() {
    this.#break(DROPPED, "");
  }

  /** There is reason to look now: a try at once where one is awaited, a question where all seems well. */
  wake() {
    this.#failures = 0;
    const isStale = this.#world.now() - this.#triedAt > FRESH_MS;
    if (this.#stage === "waiting" || (this.#stage === "opening" && isStale)) {
      this.#letGoOfConnection();
      this.#try();
    } else {
      this.#look();
    }
    this.#hooks.moved();
  }

  #try() {
    this.nextTryAt = null;
    this.#triedAt = this.#world.now();
    if (this.#connection?.isOpen) {
      this.#greet();
      return;
    }
    this.#letGoOfConnection();
    this.#stage = "opening";
    this.#setTimer(OPEN_PATIENCE_MS, () => this.drop());
    this.#connection = new Connection(this.#world, this.#url, {
      opened: () => this.#greet(),
      heard: (messages) => this.#heard(messages),
      closed: (code, reason) => this.#break(code, reason),
    });
  }

  #greet() {
    this.#stage = "greeting";
    this.#setTimer(ANSWER_PATIENCE_MS, () => this.drop());
    this.send(JSON.stringify(this.#hooks.greeting()));
    this.#hooks.moved();
  }

  #heard(messages) {
    this.#heartbeat.heard();
    if (this.#isOffline) {
      this.#isOffline = false;
      if (this.trouble?.reason === "offline") this.trouble = null;
    }
    for (const message of messages) {
      if (message.t === "WELCOME") this.#heartbeat.setInterval(message.heartbeatSeconds);
      if (message.t === "PONG") this.#learn(message);
    }
    this.#hooks.heard(messages);
  }

  #learn(pong) {
    const sentAt = this.#heartbeat.sentAt(pong);
    if (sentAt !== undefined) this.#clock.learn(sentAt, pong.serverTime, this.#world.now());
  }

  #break(code, reason) {
    const stage = this.#stage;
    this.#letGoOfConnection();
    this.#hooks.broken(code, reason);
    if (this.#stage !== "resting") {
      // A refused connection that closes while the next try is awaited changes nothing.
      if (stage === "level") this.#comeBack(code === SERVICE_RESTART);
      else if (stage !== "waiting") this.#fail();
    }
    this.#hooks.moved();
  }

  #comeBack(goingAway) {
    const lasted = this.#world.now() - this.#levelAt >= LASTED_MS;
    if (lasted) this.#failures = 0;
    this.#wait(waitMs({ failures: this.#failures, goingAway }, this.#world.random()));
    if (!lasted) this.#failures += 1;
  }

  #fail() {
    this.#failures += 1;
    this.trouble = { reason: this.#isOffline ? "offline" : "unreachable" };
    this.#wait(waitMs({ failures: this.#failures }, this.#world.random()));
  }

  #wait(ms) {
    this.#stage = "waiting";
    this.nextTryAt = this.#world.now() + ms;
    this.#setTimer(ms, () => this.#try());
  }

  #signalled(signal) {
    if (signal === "parked") this.#park();
    if (signal === "offline") this.#doubt();
    if (signal === "online") {
      this.#isOffline = false;
      if (this.trouble?.reason === "offline") this.trouble = null;
    }
    if (signal === "shown" || signal === "online") this.wake();
  }

  #doubt() {
    this.#isOffline = true;
    this.trouble = { reason: "offline" };
    this.#look();
    this.#hooks.moved();
  }

  /** The page is about to be frozen: a socket that is closed in time lets the browser keep the page. */
  #park() {
    this.#letGoOfConnection();
    this.#hooks.broken(GOING_AWAY, "");
    if (this.#stage !== "resting") this.#wait(PARKED_MS);
    this.#hooks.moved();
  }

  /** Find out soon whether the connection lives. */
  #look() {
    if (this.#stage === "greeting") this.#setTimer(PROBE_PATIENCE_MS, () => this.drop());
    if (this.#stage === "loading" || this.#stage === "level") this.#heartbeat.probe();
  }

  /** A device that slept is told so by nobody: its timers come late. */
  #tick() {
    const due = this.#world.now() + TICK_MS;
    this.#cancelTick = this.#world.after(TICK_MS, () => {
      const late = this.#world.now() - due;
      this.#tick();
      if (late > JUMP_MS) this.wake();
    });
  }

  #setTimer(ms, act) {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#world.after(ms, act);
  }

  #letGoOfConnection() {
    this.#heartbeat.stop();
    this.#connection?.close();
    this.#connection = null;
  }
}
