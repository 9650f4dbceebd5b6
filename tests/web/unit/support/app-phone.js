/** The app on a phone of its own: the real client and memory in a fake world, and no page to draw on. */

import { setImmediate } from "node:timers/promises";

import { App } from "../../../../src/hubbub/web/app/app.js";
import { BrowserStorage } from "../../../../src/hubbub/web/app/storage.js";
import { connect } from "../../../../src/hubbub/web/client.js";
import { screenOf } from "../../../../src/hubbub/web/models/screen.js";
import { FakeDevice, FakeRouter, FakeStorage } from "./fake-page.js";
import { CODE, EPOCH, member, Phone, room } from "./phone.js";
import { t } from "./shown.js";

export class AppPhone extends Phone {
  device = new FakeDevice();
  /** lookups that were asked for: `{ code, answer(lookup) }` */
  lookups = [];
  /** what the page was asked to draw */
  told = { reactions: [], heard: [], entries: 0 };

  /** @param {object} [from] `address`; `local`, `session`, `time` of a page before; `connect`: other clients */
  constructor({ address = "/", local = new FakeStorage(), session = new FakeStorage(), time, connect: make } = {}) {
    super();
    this.platform.time = time ?? this.platform.time;
    this.local = local;
    this.session = session;
    this.router = new FakeRouter(address);
    this.storage = new BrowserStorage(
      () => local,
      () => session,
      this.platform.now,
    );
    const { platform } = this;
    const parts = {
      connect: make ?? (() => connect({ server: "wss://party.test/ws", platform })),
      lookUp: (code) => new Promise((resolve) => this.lookups.push({ code, answer: resolve })),
      joinLinkOf: async (code) => `https://party.test/p/${code}`,
      storage: this.storage,
      device: this.device,
      router: this.router,
      t,
      timers: platform,
      randomBytes,
    };
    this.app = new App(parts, {
      onChange: () => {},
      onReaction: (counts) => this.told.reactions.push(counts),
      onAnnounce: (text) => this.told.heard.push(text),
      onEntered: () => (this.told.entries += 1),
    });
    this.app.open();
  }

  /** The client's state, as the app has it. */
  get state() {
    return this.app.state.client;
  }

  /** What is on the screen: "home", "party", "door:full". */
  get screen() {
    const { name, kind } = screenOf(this.app.state);
    return kind === undefined ? name : `${name}:${kind}`;
  }

  /** The page is loaded again, or its address opened once more. */
  reloaded(address = this.router.address) {
    this.app.pause();
    const { local, session, platform } = this;
    return new AppPhone({ address, local, session, time: platform.time });
  }

  async look(lookup) {
    this.lookups.at(-1).answer(lookup);
    await settled();
  }

  /** The server answers CREATE with a party of Ann's. */
  async found({ code = CODE, version = 1 } = {}) {
    const { requestId, token } = this.socket.last("CREATE");
    const members = [member("ann", "Ann", { isHost: true })];
    const answer = {
      t: "CREATED",
      code,
      memberId: "ann",
      token,
      expiresAt: 1,
      epoch: EPOCH,
      version,
      requestId,
    };
    this.socket.deliver(answer, room(version, { code, guestCount: 0, members }));
    await settled();
  }

  /** The server answers JOIN with a seat, Ben's unless told otherwise. */
  async seat(answer = {}) {
    this.admit({ code: this.socket.last("JOIN").code, ...answer });
    await settled();
  }

  /** Something happens in the party. */
  async happens(...events) {
    this.socket.deliver(...events);
    await settled();
  }

  /** The connection breaks, and the next one is there at once. */
  lose(code) {
    this.socket.lose(code);
    this.platform.advance(5000);
    this.accept();
  }

  /** A host whose party is on the screen. */
  static async hosting(from) {
    const phone = new AppPhone(from);
    phone.app.start("Ann");
    phone.accept();
    await phone.found();
    return phone;
  }

  /** A guest, Ben, who came by the link. */
  static async visiting(from) {
    const phone = new AppPhone({ address: `/p/${CODE}`, ...from });
    phone.app.join("Ben");
    phone.accept();
    await phone.seat();
    return phone;
  }
}

let tokens = 0;

/** No two tokens are the same, on whatever page they are made. */
function randomBytes(count) {
  tokens += 1;
  return Uint8Array.from({ length: count }, (_, place) => (tokens >> (8 * place)) & 255);
}

/** All that was promised so far has happened. */
export async function settled() {
  await setImmediate();
}
