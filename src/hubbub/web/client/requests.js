/** Commands that wait for their answers, by `requestId`. */

import { localRefusal, refusalOf } from "./refusal.js";

export class Requests {
  #lastId = 0;
  #waiting = new Map();

  /** Return an id that no other message of this client has. */
  newId() {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Return a promise of the answer to that message. If it is not handled, a rejection is not reported as uncaught. */
  wait(id) {
    const promise = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    promise.catch(() => {});
    return promise;
  }

  /** Take an `OK` or `ERROR`; return whether it answers one of these. */
  answered(message) {
    const waiting = this.#take(message.requestId);
    if (message.t === "OK") waiting?.resolve();
    else waiting?.reject(refusalOf(message));
    return waiting !== undefined;
  }

  /** Resolve the command with that id, whatever else comes. */
  succeed(id) {
    this.#take(id)?.resolve();
  }

  /** Reject all commands: the connection is gone, so no answer can come. */
  lose() {
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(localRefusal("lost"));
  }

  #take(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
