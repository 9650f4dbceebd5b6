import assert from "node:assert/strict";
import { test } from "node:test";

import { CODE, EPOCH, isSettled, member, Phone, room, said, TOKEN } from "./support/phone.js";

test("events are applied in order, then listeners are called", async () => {
  const phone = await Phone.live();
  const versions = [];
  phone.client.on("event", ({ version }) => versions.push([version, phone.state.party.version >= version]));
  phone.socket.deliver(said(6));
  phone.socket.deliver(said(7), said(8));
  assert.deepEqual(versions, [
    [6, true],
    [7, true],
    [8, true],
  ]);
  assert.deepEqual(
    phone.state.party.messages.map(({ id }) => id),
    ["m6", "m7", "m8"],
  );
});

test("a frame is one change, however many messages it has", async () => {
  const phone = await Phone.live();
  const before = phone.changes.length;
  phone.socket.deliver(said(6), said(7), { t: "STATUS", store: "disconnected" });
  assert.equal(phone.changes.length, before + 1);
  assert.equal(phone.changes.at(-1), phone.state);
  phone.socket.deliver({ t: "PONG", id: 77, serverTime: 5 });
  phone.socket.deliver({ t: "OK", requestId: 5 });
  assert.equal(phone.changes.length, before + 1);
});

test("the state is frozen, and each change makes a new one", async () => {
  const phone = await Phone.live();
  const { state } = phone;
  assert.throws(() => (state.phase = "idle"), TypeError);
  phone.socket.deliver(said(6));
  assert.notEqual(phone.state, state);
  assert.equal(state.party.version, 5);
});

test("old events are not applied again", async () => {
  const phone = await Phone.live();
  phone.socket.deliver(said(6));
  const { state } = phone;
  phone.socket.deliver(said(4), said(6));
  assert.equal(phone.state, state);
  assert.equal(phone.events.length, 1);
});

test("unknown events count, other unknown messages do not", async () => {
  const phone = await Phone.live();
  phone.socket.deliver({ t: "FIREWORKS", version: 6 }, { t: "WEATHER", rain: true }, said(7));
  assert.equal(phone.state.party.version, 7);
  assert.deepEqual(
    phone.events.map(({ t }) => t),
    ["FIREWORKS", "MESSAGE"],
  );
});

test("what cannot be understood is ignored", async () => {
  const phone = await Phone.live();
  const { state } = phone;
  const texts = ["", "{", "null", "7", '"text"', "[]", "[null, 1, [], {}]", '{"t": 5}'];
  for (const frame of [...texts, new ArrayBuffer(4), undefined]) phone.socket.frame(frame);
  assert.equal(phone.state, state);
  phone.socket.frame(JSON.stringify([null, said(6), { no: "type" }]));
  assert.equal(phone.state.party.version, 6);
});

test("a ROOM replaces the state at any time and is no event", async () => {
  const phone = await Phone.live();
  phone.socket.deliver(room(40, { epoch: "epoch-two", chatMode: "LOCKED" }));
  assert.deepEqual([phone.state.party.epoch, phone.state.party.version], ["epoch-two", 40]);
  phone.socket.deliver(said(41));
  assert.deepEqual(
    phone.events.map(({ version }) => version),
    [41],
  );
  phone.socket.deliver(room(3, { epoch: "epoch-three" }), said(4));
  assert.equal(phone.state.party.version, 4);
  assert.equal(phone.state.phase, "live");
});

test("reactions have a member, counted ones have none", async () => {
  const phone = await Phone.live();
  phone.socket.deliver({ t: "REACTION", memberId: "ann", name: "Ann", emoji: "🎉" });
  phone.socket.deliver({ t: "REACTIONS", counts: { "🎉": 7, "❤️": 2 } });
  assert.deepEqual(phone.reactions, [
    { counts: { "🎉": 1 }, name: "Ann", memberId: "ann" },
    { counts: { "🎉": 7, "❤️": 2 } },
  ]);
  assert.deepEqual(phone.events, []);
});

test("events and reactions of one frame come in their order", async () => {
  const phone = await Phone.live();
  const told = [];
  phone.client.on("event", ({ version }) => told.push(version));
  phone.client.on("reaction", () => told.push("reaction"));
  phone.socket.deliver(said(6), { t: "REACTION", memberId: "ann", name: "Ann", emoji: "🎉" }, said(7));
  assert.deepEqual(told, [6, "reaction", 7]);
});

test("STATUS sets the store's state, a new connection resets it", async () => {
  const phone = await Phone.live();
  phone.socket.deliver({ t: "STATUS", store: "recovering" });
  assert.equal(phone.state.store, "recovering");
  phone.socket.lose();
  assert.equal(phone.state.store, "connected");
  phone.platform.advance(250);
  phone.accept();
  phone.socket.deliver({ t: "STATUS", store: "disconnected" });
  assert.equal(phone.state.store, "disconnected");
});

test("HOST_CHANGED makes the named member the host", async () => {
  const phone = await Phone.live();
  const host = member("ben", "Ben", { isHost: true });
  phone.socket.deliver({ t: "HOST_CHANGED", version: 6, guestCount: 1, hostId: "ben", member: host });
  assert.equal(phone.state.isHost, true);
});

test("a reconnect asks for missed events, the party stays shown", async () => {
  const phone = await Phone.live();
  const { party } = phone.state;
  phone.socket.lose();
  assert.deepEqual([phone.state.phase, phone.state.party], ["reconnecting", party]);
  assert.equal(phone.state.lostAt, phone.platform.time);
  phone.platform.advance(250);
  phone.accept();
  const { requestId, ...join } = phone.socket.last("JOIN");
  const since = { epoch: EPOCH, version: 5 };
  assert.deepEqual(join, { t: "JOIN", code: CODE, token: TOKEN, name: "Ben", since });
  phone.admit({ version: 8, resumed: true, told: [] });
  phone.socket.deliver(said(6), said(7));
  assert.equal(phone.state.phase, "reconnecting");
  assert.equal(phone.state.party.version, 7);
  phone.socket.deliver(said(8));
  assert.equal(phone.state.phase, "live");
  assert.equal(phone.state.lostAt, null);
  assert.deepEqual(
    phone.events.map(({ version }) => version),
    [6, 7, 8],
  );
  assert.ok(phone.changes.every((state) => state.phase === "connecting" || state.party !== null));
});

test("a client that missed nothing is live with the answer", async () => {
  const phone = await Phone.live();
  phone.socket.lose();
  phone.platform.advance(250);
  phone.accept();
  phone.admit({ version: 5, resumed: true, told: [] });
  assert.equal(phone.state.phase, "live");
});

test("a ROOM replaces a replay, newer or older", async () => {
  for (const version of [300, 2]) {
    const phone = await Phone.live();
    phone.socket.lose();
    phone.platform.advance(250);
    phone.accept();
    phone.admit({ version, resumed: true, told: [] });
    assert.equal(phone.state.phase, "reconnecting");
    phone.socket.deliver(room(version));
    assert.equal(phone.state.phase, "live");
    assert.equal(phone.state.party.version, version);
    assert.deepEqual(phone.events, []);
  }
});

test("in another epoch the client is not live before its ROOM", async () => {
  const phone = await Phone.live();
  phone.socket.lose();
  phone.platform.advance(250);
  phone.accept();
  phone.admit({ version: 5, epoch: "epoch-two", resumed: true, told: [] });
  assert.equal(phone.state.phase, "reconnecting");
  phone.socket.deliver(room(5, { epoch: "epoch-two" }));
  assert.equal(phone.state.phase, "live");
});

test("a ROOM of another epoch makes the client live", async () => {
  const phone = new Phone();
  phone.client.join(CODE);
  phone.accept();
  phone.admit({ version: 50, told: [room(3, { epoch: "epoch-two" })] });
  assert.equal(phone.state.phase, "live");
});

test("a gap makes the client ask for everything", async () => {
  const phone = await Phone.live();
  phone.socket.deliver(said(6), said(9), said(10));
  assert.deepEqual(
    phone.events.map(({ version }) => version),
    [6],
  );
  assert.equal(phone.platform.sockets[0].closedWith, 1000);
  assert.deepEqual([phone.state.phase, phone.state.party.version], ["reconnecting", 6]);
  phone.platform.advance(250);
  phone.accept();
  assert.ok(!("since" in phone.socket.last("JOIN")));
  phone.admit({ version: 10, resumed: true });
  assert.equal(phone.state.phase, "live");
  assert.equal(phone.state.party.version, 10);
  phone.socket.lose();
  phone.platform.advance(500);
  phone.accept();
  assert.equal(phone.socket.last("JOIN").since.version, 10);
});

test("what follows a hole in its frame is not ours any more", async () => {
  const phone = await Phone.live();
  phone.socket.deliver(said(9), room(9), said(10));
  assert.equal(phone.state.phase, "reconnecting");
  phone.platform.advance(250);
  phone.accept();
  phone.admit({ version: 10 });
  assert.equal(phone.state.phase, "live");
});

test("a changed epoch without ROOM makes the client ask for all", async () => {
  const phone = await Phone.live();
  phone.socket.lose();
  phone.platform.advance(250);
  phone.accept();
  phone.admit({ version: 6, epoch: "epoch-two", resumed: true, told: [said(6)] });
  assert.equal(phone.platform.sockets[1].closedWith, 1000);
  assert.equal(phone.state.party.epoch, EPOCH);
  phone.platform.advance(500);
  phone.accept();
  assert.ok(!("since" in phone.socket.last("JOIN")));
});

test("events before the first ROOM make the client ask again", async () => {
  const phone = new Phone();
  const joining = phone.client.join(CODE);
  phone.accept();
  phone.admit({ told: [said(6)] });
  assert.equal(phone.platform.sockets[0].closedWith, 1000);
  assert.equal(await isSettled(joining), false);
});

test("an event that does not fit is treated as a gap", async () => {
  const phone = await Phone.live();
  phone.socket.deliver({ t: "MEMBER_UPDATED", version: 6, guestCount: 1 });
  assert.equal(phone.state.phase, "reconnecting");
  assert.equal(phone.state.party.version, 5);
  phone.platform.advance(250);
  phone.accept();
  phone.admit({ told: [{ t: "ROOM", epoch: EPOCH, version: 6 }] });
  assert.equal(phone.state.phase, "reconnecting");
  phone.platform.advance(500);
  phone.accept();
  phone.admit({ version: 6 });
  assert.equal(phone.state.phase, "live");
});

test("an expired seat is replaced by a new one of that name", async () => {
  const phone = await Phone.live();
  phone.socket.lose(4409);
  phone.platform.advance(250);
  phone.accept();
  assert.equal(phone.socket.last("JOIN").name, "Ben");
  phone.admit({ version: 9, memberId: "ben2", members: [member("ann", "Ann"), member("ben2", "Ben")] });
  assert.equal(phone.state.memberId, "ben2");
  assert.equal(phone.state.phase, "live");
});
