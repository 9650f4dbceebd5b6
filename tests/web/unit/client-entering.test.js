import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "../../../src/hubbub/web/client.js";
import { CODE, EPOCH, isSettled, Phone, refusal, room, said, TOKEN } from "./support/phone.js";

test("no socket is opened before a command", () => {
  const phone = new Phone();
  phone.platform.advance(60_000);
  assert.equal(phone.platform.sockets.length, 0);
  assert.equal(phone.state.phase, "idle");
  assert.equal(phone.platform.held, 0);
});

test("the enter command is sent before WELCOME", () => {
  const phone = new Phone();
  phone.client.join(CODE, { name: "Ben" });
  assert.equal(phone.socket.url, "wss://party.test/ws");
  assert.deepEqual(phone.socket.sent, []);
  phone.socket.accept();
  const { requestId, ...join } = phone.socket.sent[0];
  assert.deepEqual(join, { t: "JOIN", code: CODE, name: "Ben", token: phone.state.token });
  assert.ok(Number.isInteger(requestId));
  assert.equal(phone.socket.sent.length, 1);
});

test("the state has the party's code and phase at once", () => {
  const phone = new Phone();
  phone.client.join(CODE);
  assert.equal(phone.changes.length, 1);
  const { phase, code, token, lostAt, nextTryAt, trouble, party, watching, over } = phone.state;
  assert.deepEqual(
    { phase, code, lostAt, nextTryAt, trouble, party, watching, over },
    {
      phase: "connecting",
      code: CODE,
      lostAt: phone.platform.time,
      nextTryAt: null,
      trouble: null,
      party: null,
      watching: false,
      over: null,
    },
  );
  assert.match(token, /^[A-Za-z0-9_-]{22}$/);
});

test("joining resolves after JOINED and ROOM", async () => {
  const phone = new Phone();
  const joining = phone.client.join("bcd-fgh", { token: TOKEN });
  phone.accept();
  phone.admit({ told: [], resumed: true });
  assert.equal(await isSettled(joining), false);
  assert.equal(phone.state.phase, "connecting");
  phone.socket.deliver(room(5));
  const seat = { code: CODE, memberId: "ben", token: TOKEN, isHost: false };
  assert.deepEqual(await joining, { ...seat, resumed: true });
  assert.equal(phone.state.phase, "live");
  assert.equal(phone.state.lostAt, null);
  assert.equal(phone.state.isHost, false);
  assert.equal(phone.state.party.version, 5);
});

test("JOINED and ROOM in one frame are one change", async () => {
  const phone = new Phone();
  phone.client.join(CODE, { token: TOKEN });
  phone.accept();
  const changes = phone.changes.length;
  const { requestId } = phone.socket.last("JOIN");
  const joined = { t: "JOINED", code: CODE, memberId: "ben", token: TOKEN, isHost: false, resumed: false };
  phone.socket.deliver({ ...joined, epoch: EPOCH, version: 5, requestId }, room(5), said(6));
  assert.equal(phone.changes.length, changes + 1);
  assert.equal(phone.state.party.version, 6);
});

test("JOINED marks the host as host", async () => {
  const phone = await Phone.live({ memberId: "ann" });
  assert.equal(phone.state.isHost, true);
});

test("creating sends a new token, resolves after CREATED and ROOM", async () => {
  const phone = new Phone();
  const creating = phone.client.create({ name: "Ann" });
  phone.accept();
  const create = phone.socket.last("CREATE");
  assert.equal(create.name, "Ann");
  assert.equal(create.token, phone.state.token);
  const created = { t: "CREATED", code: CODE, memberId: "ann", token: create.token, expiresAt: 1 };
  phone.socket.deliver({ ...created, epoch: EPOCH, version: 1, requestId: create.requestId });
  phone.socket.deliver(room(1));
  assert.deepEqual(await creating, { code: CODE, memberId: "ann", token: create.token, isHost: true });
  assert.equal(phone.state.isHost, true);
  assert.equal(phone.state.code, CODE);
});

test("a create without an answer is repeated with its token", () => {
  const phone = new Phone();
  phone.client.create({ name: "Ann" });
  phone.accept();
  const { token } = phone.socket.last("CREATE");
  phone.socket.lose();
  phone.platform.advance(500);
  phone.accept();
  assert.equal(phone.platform.sockets.length, 2);
  assert.deepEqual([phone.socket.last("CREATE").token, phone.socket.last("CREATE").name], [token, "Ann"]);
});

test("an answered create continues as a join of the host's seat", () => {
  const phone = new Phone();
  phone.client.create();
  phone.accept();
  const { token, requestId } = phone.socket.last("CREATE");
  phone.socket.deliver({ t: "CREATED", code: CODE, memberId: "ann", token, epoch: EPOCH, version: 1, requestId });
  phone.socket.lose();
  phone.platform.advance(500);
  phone.accept();
  const join = phone.socket.last("JOIN");
  assert.deepEqual([join.code, join.token], [CODE, token]);
});

test("a join whose answer was lost is repeated with the same token", () => {
  const phone = new Phone();
  phone.client.join(CODE);
  phone.accept();
  const { token } = phone.socket.last("JOIN");
  phone.socket.lose();
  phone.platform.advance(500);
  phone.accept();
  assert.equal(phone.socket.last("JOIN").token, token);
  assert.equal(phone.state.phase, "connecting");
});

test("resumed is that of the first answer, not of the repeat", async () => {
  const phone = new Phone();
  const joining = phone.client.join(CODE);
  phone.accept();
  phone.admit({ resumed: false, told: [] });
  phone.socket.lose();
  phone.platform.advance(500);
  phone.accept();
  phone.admit({ resumed: true });
  assert.equal((await joining).resumed, false);
});

test("watching needs no token and has no seat", async () => {
  const phone = new Phone();
  const watching = phone.client.watch(`https://party.test/p/${CODE}/wall`);
  phone.accept();
  const { requestId, ...watch } = phone.socket.sent[0];
  assert.deepEqual(watch, { t: "WATCH", code: CODE });
  phone.socket.deliver({ t: "WATCHING", code: CODE, epoch: EPOCH, version: 5, requestId }, room(5));
  assert.deepEqual(await watching, { code: CODE });
  const { memberId, isHost, token, phase } = phone.state;
  assert.deepEqual(
    { memberId, isHost, token, phase, watching: phone.state.watching },
    { memberId: null, isHost: false, token: null, phase: "live", watching: true },
  );
});

test("a watcher comes back by watching again", async () => {
  const phone = new Phone();
  phone.client.watch(CODE);
  phone.accept();
  const answer = { t: "WATCHING", code: CODE, epoch: EPOCH, version: 5 };
  phone.socket.deliver({ ...answer, requestId: phone.socket.last("WATCH").requestId }, room(5));
  phone.socket.lose();
  assert.equal(phone.state.phase, "reconnecting");
  phone.platform.advance(500);
  phone.accept();
  phone.socket.deliver({ ...answer, requestId: phone.socket.last("WATCH").requestId }, room(9, { locked: true }));
  assert.equal(phone.state.phase, "live");
  assert.equal(phone.state.party.version, 9);
});

test("a watcher of a locked party retries until it is unlocked", () => {
  const phone = new Phone();
  phone.client.watch(CODE);
  phone.accept();
  const answer = { t: "WATCHING", code: CODE, epoch: EPOCH, version: 5 };
  phone.socket.deliver({ ...answer, requestId: phone.socket.last("WATCH").requestId }, room(5));
  phone.socket.lose();
  phone.platform.advance(500);
  phone.accept();
  phone.refuse("party_locked", { type: "WATCH" });
  assert.equal(phone.state.phase, "reconnecting");
  assert.equal(phone.state.trouble.reason, "party_locked");
  phone.platform.advance(phone.state.nextTryAt - phone.platform.time);
  phone.socket.deliver({ ...answer, requestId: phone.socket.last("WATCH").requestId }, room(9));
  assert.equal(phone.state.phase, "live");
});

test("an invalid code is refused without a connection", async () => {
  const phone = new Phone();
  assert.equal((await refusal(phone.client.join("no way!"))).reason, "party_not_found");
  assert.equal(phone.state.over.reason, "party_not_found");
  assert.equal(phone.state.phase, "over");
  const empty = await refusal(phone.client.watch(" - "));
  assert.deepEqual([empty.reason, empty.local], ["code_required", true]);
  assert.equal(phone.platform.sockets.length, 0);
  assert.equal(phone.platform.held, 0);
});

test("a name too long for a frame is refused without a connection", async () => {
  const phone = new Phone();
  const { reason, local } = await refusal(phone.client.create({ name: "é".repeat(4000) }));
  assert.deepEqual([reason, local], ["too_long", true]);
  assert.equal(phone.platform.sockets.length, 0);
});

test("entering another party closes the first connection", async () => {
  const phone = new Phone();
  const first = phone.client.join(CODE);
  phone.accept();
  const second = phone.client.join("ZZZZZZ");
  assert.equal((await refusal(first)).reason, "closed");
  assert.equal(phone.platform.sockets[0].closedWith, 1000);
  assert.equal(phone.state.code, "ZZZZZZ");
  phone.accept();
  phone.admit();
  assert.equal((await second).code, "ZZZZZZ");
});

test("a stored party is shown at once, only missed events come", async () => {
  const { state } = await Phone.live();
  const phone = new Phone();
  const kept = JSON.parse(JSON.stringify(state.party));
  phone.client.join(CODE, { token: TOKEN, party: kept });
  assert.equal(phone.state.party, kept);
  phone.accept();
  assert.deepEqual(phone.socket.last("JOIN").since, { epoch: EPOCH, version: 5 });
  phone.admit({ version: 6, resumed: true, told: [said(6)] });
  assert.equal(phone.state.phase, "live");
  assert.equal(phone.state.party.version, 6);
});

test("a stored party that is invalid or another is ignored", () => {
  const whole = { epoch: "e", version: 5, ...room(5).snapshot };
  const others = [
    { ...whole, epoch: "e".repeat(129) },
    { ...whole, version: -1 },
    { ...whole, members: {} },
  ];
  const nonsense = [room(5).snapshot, { epoch: "e", version: 5, code: CODE }, "party", null, 7];
  for (const party of [...others, ...nonsense]) {
    const phone = new Phone();
    phone.client.join(CODE, { party });
    phone.accept();
    assert.equal(phone.state.party, null);
    assert.ok(!("since" in phone.socket.last("JOIN")));
  }
  const phone = new Phone();
  phone.client.join("ZZZZZZ", { party: whole });
  assert.equal(phone.state.party, null);
});

test("by default a client uses the page's host and encryption", () => {
  for (const [protocol, url] of [
    ["https:", "wss://here.test:8/ws"],
    ["http:", "ws://here.test:8/ws"],
  ]) {
    globalThis.location = { protocol, host: "here.test:8" };
    try {
      const phone = new Phone();
      connect({ platform: phone.platform }).join(CODE);
      assert.equal(phone.socket.url, url);
    } finally {
      delete globalThis.location;
    }
  }
});
