/** A world in which nothing happens but what a test makes happen. */

export class FakePlatform {
  /** ms of the wall clock */
  time = 1_700_000_000_000;
  /** what random() gives, in turn; the last one for ever */
  dice = [0.5];
  /** every socket that was opened, in order */
  sockets = [];
  /** called with each socket that is opened */
  onSocket = () => {};
  #timers = new Set();
  #listeners = new Set();
  #bytes = 0;

  open = (url) => {
    const socket = new FakeSocket(url);
    this.sockets.push(socket);
    this.onSocket(socket);
    return socket;
  };

  now = () => this.time;

  after = (ms, act) => {
    const timer = { due: this.time + ms, act };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  random = () => (this.dice.length > 1 ? this.dice.shift() : this.dice[0]);

  randomBytes = (count) => Uint8Array.from({ length: count }, () => (this.#bytes += 37) % 256);

  signals = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  signal(name) {
    for (const listener of [...this.#listeners]) listener(name);
  }

  /** The last socket that was opened. */
  get socket() {
    return this.sockets.at(-1);
  }

  /** How many timers and listeners nobody has let go of. */
  get held() {
    return this.#timers.size + this.#listeners.size;
  }

  /** Let time pass, and what is due happen in its order. */
  advance(ms) {
    const until = this.time + ms;
    for (let timer = this.#next(until); timer !== undefined; timer = this.#next(until)) {
      this.#timers.delete(timer);
      this.time = Math.max(this.time, timer.due);
      timer.act();
    }
    this.time = until;
  }

  /** Let time pass while the device sleeps: what is due meanwhile happens late, at the next `advance`. */
  sleep(ms) {
    this.time += ms;
  }

  #next(until) {
    let next;
    for (const timer of this.#timers) {
      if (timer.due <= until && (next === undefined || timer.due < next.due)) next = timer;
    }
    return next;
  }
}

export class FakeSocket {
  onopen = null;
  onmessage = null;
  onclose = null;
  /** every message the client sent, decoded */
  sent = [];
  /** the code with which the client closed it, or null */
  closedWith = null;
  /** called with each message the client sends */
  onsent = () => {};

  constructor(url) {
    this.url = url;
  }

  send = (text) => {
    const message = JSON.parse(text);
    this.sent.push(message);
    this.onsent(message);
  };

  close = (code) => {
    this.closedWith ??= code ?? 1005;
  };

  accept() {
    this.onopen();
  }

  /** The server sends one frame: a message, or a batch of several. */
  deliver(...messages) {
    this.frame(JSON.stringify(messages.length === 1 ? messages[0] : messages));
  }

  frame(text) {
    this.onmessage(text);
  }

  lose(code = 1006, reason = "") {
    this.onclose(code, reason);
  }

  /** The last message of that type that the client sent. */
  last(type) {
    return this.sent.findLast((message) => message.t === type);
  }

  count(type) {
    return this.sent.filter((message) => message.t === type).length;
  }
}
