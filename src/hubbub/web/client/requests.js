/** Commands that wait for their answers, by `requestId`. */

import { localRefusal, refusalOf } from "./refusal.js";

export class Requests {
  #lastId = 0;
  #waiting = new Map();

  /** An id that no other message of this client carries. */
  newId() {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** A promise of the answer to the message with that id. A rejection that nobody looks at does no harm. */
  wait(id) {
    const promise = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    promise.catch(() => {});
    return promise;
  }

  /** Take an `OK` or `ERROR`; whether it answers one of these. */
  answered(message) {
    const waiting = this.#take(message.requestId);
    if (message.t === "OK") waiting?.resolve();
    else waiting?.reject(refusalOf(message));
    return waiting !== undefined;
  }

  /** Count the command with that id as done, whatever else comes. */
  succeed(id) {
    this.#take(id)?.resolve();
  }

  /** The connection is gone, and the answers with it. */
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
