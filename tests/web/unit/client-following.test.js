import assert from "node:assert/strict";
import { test } from "node:test";

import { CODE, EPOCH, isSettled, member, Phone, room, said, TOKEN } from "./support/phone.js";

test("events are applied in order and told after the state has them", async () => {
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

test("a reader cannot change the state; each change makes a new one", async () => {
  const phone = await Phone.live();
  const { state } = phone;
  assert.throws(() => (state.phase = "idle"), TypeError);
  phone.socket.deliver(said(6));
  assert.notEqual(phone.state, state);
  assert.equal(state.party.version, 5);
});

test("events of unknown kinds count and are told, other unknown messages are ignored", async () => {
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

test("reactions are told with who reacted, counted ones without", async () => {
  const phone = await Phone.live();
  phone.socket.deliver({ t: "REACTION", memberId: "ann", name: "Ann", emoji: "🎉" });
  phone.socket.deliver({ t: "REACTIONS", counts: { "🎉": 7, "❤️": 2 } });
  assert.deepEqual(phone.reactions, [
    { counts: { "🎉": 1 }, name: "Ann", memberId: "ann" },
    { counts: { "🎉": 7, "❤️": 2 } },
  ]);
  assert.deepEqual(phone.events, []);
});

test("events and reactions of one frame are told in their order", async () => {
  const phone = await Phone.live();
  const told = [];
  phone.client.on("event", ({ version }) => told.push(version));
  phone.client.on("reaction", () => told.push("reaction"));
  phone.socket.deliver(said(6), { t: "REACTION", memberId: "ann", name: "Ann", emoji: "🎉" }, said(7));
  assert.deepEqual(told, [6, "reaction", 7]);
});

test("the store's standing is told, and a new connection is trusted again", async () => {
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

test("coming back asks for what was missed and keeps the party to be seen all along", async () => {
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

test("where not all can be told again a ROOM comes, newer or older", async () => {
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

test("a ROOM of yet another epoch than the answer's makes the client live too", async () => {
  const phone = new Phone();
  phone.client.join(CODE);
  phone.accept();
  phone.admit({ version: 50, told: [room(3, { epoch: "epoch-two" })] });
  assert.equal(phone.state.phase, "live");
});

test("a hole makes the client ask for everything, and the party stays to be seen", async () => {
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

test("events of a changed epoch without its ROOM make the client ask for everything", async () => {
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

test("an event that does not fit the party at all is as good as a hole", async () => {
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

test("a seat whose hold ran out is replaced by one that is called alike", async () => {
  const phone = await Phone.live();
  phone.socket.lose(4409);
  phone.platform.advance(250);
  phone.accept();
  assert.equal(phone.socket.last("JOIN").name, "Ben");
  phone.admit({ version: 9, memberId: "ben2", members: [member("ann", "Ann"), member("ben2", "Ben")] });
  assert.equal(phone.state.memberId, "ben2");
  assert.equal(phone.state.phase, "live");
});
