/** What a page has around it, for tests: storage, an address bar, a device. */

import { routeOf } from "../../../../src/hubbub/web/app/router.js";

/** A `Storage` that can be full, or refuse everything. */
export class FakeStorage {
  kept = new Map();
  isFull = false;
  isBroken = false;

  getItem(key) {
    this.#check();
    return this.kept.get(key) ?? null;
  }

  setItem(key, text) {
    this.#check();
    if (this.isFull) throw new Error("QuotaExceededError");
    this.kept.set(key, String(text));
  }

  removeItem(key) {
    this.#check();
    this.kept.delete(key);
  }

  /** What is kept under `key`, decoded. */
  told(key) {
    return JSON.parse(this.kept.get(`hubbub.${key}`) ?? "null");
  }

  /** Somebody writes there, as it is. */
  scribble(key, text) {
    this.kept.set(`hubbub.${key}`, text);
  }

  #check() {
    if (this.isBroken) throw new Error("SecurityError");
  }
}

/** An address bar; `places` has every address it showed. */
export class FakeRouter {
  constructor(address) {
    this.places = [address];
  }

  get address() {
    return this.places.at(-1);
  }

  get route() {
    const [pathname, hash] = this.address.split("#");
    return routeOf(pathname, hash === undefined ? "" : `#${hash}`);
  }

  push = (address) => {
    this.places.push(address);
  };

  replace = (address) => {
    this.places.splice(-1, 1, address);
  };

  back() {
    this.places.pop();
  }
}

export class FakeDevice {
  isSecure = true;
  canShare = true;
  canCopy = true;
  /** whether the screen is kept on */
  isAwake = false;
  shared = [];
  copied = [];
  saved = [];

  share = async (what) => {
    this.shared.push(what);
    return this.canShare;
  };

  copy = async (text) => {
    this.copied.push(text);
    return this.canCopy;
  };

  save = (file) => {
    this.saved.push(file);
  };

  keepAwake = (wanted) => {
    this.isAwake = wanted;
  };
}
