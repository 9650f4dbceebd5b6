/** A client on a fake platform, its events, and what a server sends to it. */

import { connect } from "../../../../src/hubbub/web/client.js";
import { FakePlatform } from "./fake-platform.js";

export const CODE = "BCDFGH";
export const TOKEN = "abcdefghijklmnopqrstuv";
export const EPOCH = "epoch-one";

export class Phone {
  platform = new FakePlatform();
  client = connect({ server: "wss://party.test/ws", platform: this.platform });
  changes = [];
  events = [];
  reactions = [];

  constructor() {
    this.client.on("change", (state) => this.changes.push(state));
    this.client.on("event", (event) => this.events.push(event));
    this.client.on("reaction", (reaction) => this.reactions.push(reaction));
  }

  get socket() {
    return this.platform.socket;
  }

  get state() {
    return this.client.state;
  }

  /** The server takes the connection and says WELCOME. */
  accept() {
    this.socket.accept();
    const names = { clientId: "c", instanceId: "i", version: "1" };
    this.socket.deliver({ t: "WELCOME", ...names, heartbeatSeconds: 20, protocol: 1 });
  }

  /** The server answers the last JOIN, then sends `told`: by default the whole party. */
  admit({ version = 5, epoch = EPOCH, resumed = false, memberId = "ben", told, ...snapshot } = {}) {
    const { requestId, code, token } = this.socket.last("JOIN");
    const isHost = memberId === "ann";
    this.socket.deliver({ t: "JOINED", code, memberId, token, isHost, resumed, epoch, version, requestId });
    for (const message of told ?? [room(version, { epoch, ...snapshot })]) this.socket.deliver(message);
  }

  refuse(reason, { retryable = false, type = "JOIN" } = {}) {
    const { requestId } = this.socket.last(type);
    this.socket.deliver({ t: "ERROR", reason, error: `No: ${reason}`, retryable, requestId });
  }

  /** A client that is in the party, and the promise of `join`. */
  static async live({ party, memberId } = {}) {
    const phone = new Phone();
    const joining = phone.client.join(CODE, { token: TOKEN, party });
    phone.accept();
    phone.admit({ memberId });
    await joining;
    return phone;
  }
}

export function room(version, { epoch = EPOCH, ...changes } = {}) {
  return { t: "ROOM", epoch, version, snapshot: { ...snapshot(), ...changes } };
}

export function snapshot() {
  return {
    code: CODE,
    createdAt: 1_700_000_000_000,
    expiresAt: 1_700_007_200_000,
    hostId: "ann",
    hostConnected: true,
    guestCount: 1,
    watchers: 0,
    capacity: 500,
    chatMode: "OPEN",
    locked: false,
    playback: { state: "stopped", track: null, nextTrack: null, position: 0, at: 1_700_000_000_000 },
    members: [member("ann", "Ann", { isHost: true }), member("ben", "Ben")],
    messages: [],
  };
}

export function member(id, name, { isHost = false, connected = true } = {}) {
  return { id, name, isHost, connected };
}

export function said(version, text = `message ${version}`) {
  return { t: "MESSAGE", id: `m${version}`, memberId: "ann", name: "Ann", text, at: 1, version };
}

/** The refusal that a promise rejects with. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It was not refused");
}

/** Whether a promise has settled by now. */
export async function isSettled(promise) {
  const pending = {};
  return (await Promise.race([promise.catch(() => {}), Promise.resolve(pending)])) !== pending;
}
