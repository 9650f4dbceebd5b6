/**
 * A server with one party, which it changes at random and sends over a bad network. It keeps every version of
 * the party by means of its own, so that a client's copy can be held against it at any position.
 */

import { SNAPSHOT_MESSAGES_MAX } from "../../../../src/hubbub/web/core/contract.js";

const REPLAYED_MOST = 12;
const STANDINGS = ["connected", "disconnected", "recovering"];
const CHAT_MODES = ["OPEN", "EMOJI_ONLY", "LOCKED"];
const RETRYABLE = ["store_unavailable", "recovering", "rate_limited", "internal_error"];

export class FakeServer {
  /** every state the party ever had, as JSON, by "epoch:version" */
  history = new Map();
  /** every event that ever was, as JSON, by "epoch:version" */
  told = new Map();
  /** when false, connections fail and nothing gets through */
  isUp = true;
  /** whether it misbehaves: refusals, holes, repeats, nonsense */
  isMoody = true;
  #platform;
  #roll;
  #epochs = 0;
  #serial = 0;
  #log = [];
  #phones = new Set();
  #seats = new Map();

  /**
   * @param {import("./fake-platform.js").FakePlatform} world
   * @param {(below: number) => number} roll a whole number from 0, seeded
   */
  constructor(platform, roll) {
    this.#platform = platform;
    this.#roll = roll;
    this.party = {
      code: "BCDFGH",
      createdAt: 1,
      expiresAt: 2,
      hostId: "host",
      hostConnected: true,
      guestCount: 0,
      watchers: 0,
      capacity: 500,
      chatMode: "OPEN",
      locked: false,
      playback: { state: "stopped", track: null, nextTrack: null, position: 0, at: 0 },
      members: [{ id: "host", name: "Host", isHost: true, connected: true }],
      messages: [],
    };
    this.version = 0;
    this.renewEpoch();
    platform.onSocket = (socket) => this.#connected(socket);
  }

  /** The position and all there is to know at it. */
  get truth() {
    return { epoch: this.epoch, version: this.version, ...structuredClone(this.party) };
  }

  renewEpoch() {
    this.#epochs += 1;
    this.epoch = `epoch-${this.#epochs}`;
    this.version = this.#roll(50);
    this.#log = [];
    this.#remember();
    for (const phone of this.#phones) if (phone.isIn) this.#send(phone, this.#room());
  }

  /** Something happens in the party: one to four events. */
  happen() {
    const count = 1 + this.#roll(4);
    if (this.#roll(8) === 0) this.#publish([this.#countedOften(count)]);
    else this.#publish(Array.from({ length: count }, () => this.#change()));
  }

  /** Something happens to one connection or all. */
  disturb() {
    const phones = [...this.#phones];
    const phone = phones[this.#roll(Math.max(1, phones.length))];
    if (phone === undefined) return;
    const kinds = [
      () => this.#drop(phone, [1006, 1012, 1001, 4408, 4409][this.#roll(5)]),
      () => (phone.isStalled = true),
      () => this.#send(phone, this.#room()),
      () => this.#frame(phone, ["{", "[]", "null", '[1, {"t": "NEWS"}]'][this.#roll(4)]),
      () => phone.isIn && this.#send(phone, ...this.#log.slice(-3)),
      () => (phone.skips = 1),
      () => this.#send(phone, { t: "STATUS", store: STANDINGS[this.#roll(3)] }),
    ];
    kinds[this.#roll(kinds.length)]();
  }

  #connected(socket) {
    const phone = { socket, isIn: false, isStalled: false, isGone: false, skips: 0, memberId: null };
    socket.onsent = (message) => this.#later(() => this.#hear(phone, message));
    this.#later(() => {
      if (!this.isUp || this.#roll(10) === 0) {
        if (this.#roll(2) === 0) socket.lose();
        return;
      }
      this.#phones.add(phone);
      socket.accept();
      this.#send(phone, { t: "WELCOME", heartbeatSeconds: 20, protocol: 1 });
    });
  }

  #hear(phone, message) {
    if (phone.isGone || phone.isStalled || !this.isUp || phone.socket.closedWith !== null) return;
    const { t, requestId } = message;
    if (t === "PING") this.#send(phone, { t: "PONG", id: message.id, serverTime: this.#platform.time });
    else if (this.isMoody && this.#roll(6) === 0) this.#refuse(phone, requestId, RETRYABLE[this.#roll(4)]);
    else if (t === "JOIN") this.#join(phone, message);
    else if (!phone.isIn) this.#refuse(phone, requestId, "not_joined");
    else this.#do(phone, message);
  }

  #refuse(phone, requestId, reason) {
    const retryable = RETRYABLE.includes(reason);
    this.#send(phone, { t: "ERROR", reason, error: reason, retryable, requestId });
  }

  #join(phone, { token, name, since, requestId }) {
    const resumed = this.#seats.has(token);
    const seat = this.#seats.get(token) ?? { id: `seat-${this.#seats.size}`, phone: null };
    this.#seats.set(token, seat);
    if (seat.phone !== null && !seat.phone.isGone) this.#drop(seat.phone, 4509);
    seat.phone = phone;
    phone.memberId = seat.id;
    const known = this.party.members.find(({ id }) => id === seat.id);
    const member = { id: seat.id, name: name ?? known?.name ?? "Guest", isHost: false, connected: true };
    this.#publish([known === undefined ? this.#joined(member) : this.#updated(member)]);
    const { epoch, version, party } = this;
    phone.isIn = true;
    const answer = { t: "JOINED", code: party.code, memberId: seat.id, token, isHost: false, resumed };
    this.#send(phone, { ...answer, epoch, version, requestId });
    const missed = since?.epoch === epoch ? version - since.version : Infinity;
    const canReplay = missed >= 0 && missed <= Math.min(REPLAYED_MOST, this.#log.length);
    if (!canReplay) this.#send(phone, this.#room());
    else if (missed > 0) this.#send(phone, ...this.#log.slice(-missed));
  }

  #do(phone, { t, text, name, requestId }) {
    const member = this.party.members.find(({ id }) => id === phone.memberId);
    if (t === "RENAME" && member !== undefined) this.#publish([this.#updated({ ...member, name })]);
    if (t === "SEND_MESSAGE") this.#publish([this.#said(phone.memberId, text)]);
    this.#send(phone, { t: "OK", requestId });
  }

  // What happens. Each changes the party in its own way and returns its event.

  #change() {
    const { party } = this;
    const at = this.#platform.time;
    const position = this.#roll(100);
    const others = party.members.filter(({ id }) => id.startsWith("guest"));
    const other = others[this.#roll(Math.max(1, others.length))];
    this.#serial += 1;
    const filename = `track-${this.#serial}.mp3`;
    const kinds = [
      () => this.#joined({ id: `guest-${this.#serial}`, name: "G", isHost: false, connected: true }),
      () => (other ? this.#left(other.id) : this.#said("host", "alone")),
      () => (other ? this.#updated({ ...other, connected: !other.connected }) : this.#said("host", "still")),
      () => this.#said("host", filename),
      () => ((party.locked = !party.locked), { t: "LOCK_SET", locked: party.locked }),
      () => ((party.chatMode = CHAT_MODES[this.#roll(3)]), { t: "CHAT_MODE_SET", mode: party.chatMode }),
      () => this.#plays({ state: "playing", position, at }, { t: "PLAY", position, at }),
      () => this.#plays({ state: "paused", position, at }, { t: "PAUSE", position, at }),
      () => this.#selects(filename, at),
      () => this.#plays({ nextTrack: filename }, { t: "NEXT_TRACK_QUEUED", filename }),
      () => ({ t: "FIREWORKS", colour: "red" }),
      () => this.#counted(),
    ];
    return this.#numbered(kinds[this.#roll(kinds.length)]());
  }

  #counted() {
    this.party.guestCount = this.#roll(400);
    return this.#numbered({ t: "GUEST_COUNT", guestCount: this.party.guestCount });
  }

  /** Several counts as the one event that stands for them. */
  #countedOften(count) {
    const from = this.version + 1;
    const events = Array.from({ length: count }, () => this.#counted());
    return { ...events.at(-1), from };
  }

  #joined(member) {
    this.party.members.push(member);
    this.party.guestCount += 1;
    return this.#numbered({ t: "MEMBER_JOINED", member: { ...member }, guestCount: this.party.guestCount });
  }

  #left(memberId) {
    const { members } = this.party;
    members.splice(
      members.findIndex(({ id }) => id === memberId),
      1,
    );
    return { t: "MEMBER_LEFT", memberId, cause: "left", guestCount: this.party.guestCount };
  }

  #updated(member) {
    const { members } = this.party;
    members[members.findIndex(({ id }) => id === member.id)] = member;
    return this.#numbered({ t: "MEMBER_UPDATED", member: { ...member }, guestCount: this.party.guestCount });
  }

  #said(memberId, text) {
    this.#serial += 1;
    const message = { id: `m${this.#serial}`, memberId, name: memberId, text, at: this.#platform.time };
    this.party.messages.push(message);
    if (this.party.messages.length > SNAPSHOT_MESSAGES_MAX) this.party.messages.shift();
    return this.#numbered({ t: "MESSAGE", ...message });
  }

  #selects(filename, at) {
    const changes = { state: "stopped", track: filename, position: 0, at };
    return this.#plays(changes, { t: "TRACK_SELECTED", filename, at });
  }

  #plays(changes, event) {
    Object.assign(this.party.playback, changes);
    return event;
  }

  #numbered(event) {
    if (event.version !== undefined) return event;
    this.version += 1;
    const numbered = { ...event, version: this.version };
    this.#log.push(numbered);
    this.told.set(`${this.epoch}:${this.version}`, JSON.stringify(numbered));
    this.#remember();
    return numbered;
  }

  #remember() {
    this.history.set(`${this.epoch}:${this.version}`, JSON.stringify(this.truth));
  }

  #room() {
    return { t: "ROOM", epoch: this.epoch, version: this.version, snapshot: structuredClone(this.party) };
  }

  // The network.

  #publish(events) {
    const batch = this.#roll(2) === 0;
    for (const phone of this.#phones) {
      if (!phone.isIn) continue;
      const sent = events.slice(phone.skips);
      phone.skips = 0;
      if (batch) this.#send(phone, ...sent);
      else for (const event of sent) this.#send(phone, event);
    }
  }

  #send(phone, ...messages) {
    if (messages.length === 0) return;
    this.#frame(phone, JSON.stringify(messages.length === 1 ? messages[0] : messages));
  }

  #frame(phone, text) {
    this.#later(() => {
      if (!phone.isGone && !phone.isStalled && this.isUp) phone.socket.frame(text);
    });
  }

  #drop(phone, code) {
    if (phone.isStalled || phone.isGone) return;
    phone.isGone = true;
    this.#phones.delete(phone);
    phone.socket.lose(code);
  }

  /** In order, since every way takes the same time. */
  #later(act) {
    this.#platform.after(20, act);
  }
}
