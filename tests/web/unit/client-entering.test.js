import assert from "node:assert/strict";
import { test } from "node:test";

import { connect, Refusal } from "../../../src/hubbub/web/client.js";
import { CODE, EPOCH, isSettled, Phone, refusal, room, said, TOKEN } from "./support/phone.js";

test("nothing is opened before it is asked for", () => {
  const phone = new Phone();
  phone.platform.advance(60_000);
  assert.equal(phone.platform.sockets.length, 0);
  assert.equal(phone.state.phase, "idle");
  assert.equal(phone.platform.held, 0);
});

test("the entering command goes out as soon as the socket opens, before WELCOME", () => {
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

test("what is to be shown is told from the first moment", () => {
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

test("a room that comes in one frame with the answer is one change", async () => {
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

test("a host is told that it is one", async () => {
  const phone = await Phone.live({ memberId: "ann" });
  assert.equal(phone.state.isHost, true);
});

test("creating brings a token of the client's own and resolves after CREATED and ROOM", async () => {
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

test("a create whose answer was lost is repeated with the same token", () => {
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

test("a create that was answered is gone on with as a join of the host's seat", () => {
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

test("whether a seat was resumed is told of the first answer, not of the repeat", async () => {
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

test("a watcher who comes back to a locked party waits until it is open again", () => {
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

const FINAL = ["party_not_found", "party_ended", "party_full", "party_locked", "token_invalid", "kicked"];
const RETRYABLE = ["store_unavailable", "recovering", "rate_limited", "too_many_watchers", "internal_error"];

for (const reason of FINAL) {
  test(`the final refusal ${reason} rejects and is over`, async () => {
    const phone = new Phone();
    const joining = phone.client.join(CODE);
    phone.accept();
    phone.refuse(reason);
    const refused = await refusal(joining);
    assert.ok(refused instanceof Refusal);
    assert.ok(refused instanceof Error);
    assert.deepEqual(
      [refused.reason, refused.message, refused.retryable, refused.local],
      [reason, `No: ${reason}`, false, false],
    );
    assert.equal(phone.state.phase, "over");
    assert.deepEqual(phone.state.over, { reason, message: `No: ${reason}` });
    assert.equal(phone.socket.closedWith, 1000);
    assert.equal(phone.platform.held, 0);
  });
}

for (const reason of RETRYABLE) {
  test(`the retryable refusal ${reason} is tried again on the same connection`, async () => {
    const phone = new Phone();
    const joining = phone.client.join(CODE);
    phone.accept();
    phone.refuse(reason, { retryable: true });
    assert.deepEqual(phone.state.trouble, { reason, message: `No: ${reason}` });
    assert.equal(phone.state.nextTryAt, phone.platform.time + 250);
    assert.equal(await isSettled(joining), false);
    phone.platform.advance(250);
    assert.equal(phone.state.nextTryAt, null);
    assert.equal(phone.platform.sockets.length, 1);
    assert.equal(phone.socket.count("JOIN"), 2);
    phone.admit();
    assert.equal((await joining).code, CODE);
    assert.equal(phone.state.trouble, null);
  });
}

test("refusals are waited out with growing patience, if need be on a new connection", () => {
  const phone = new Phone();
  phone.platform.dice = [1];
  phone.client.join(CODE);
  phone.accept();
  const waits = [];
  for (let turn = 0; turn < 7; turn++) {
    phone.refuse("store_unavailable", { retryable: true });
    const { nextTryAt } = phone.state;
    waits.push(nextTryAt - phone.platform.time);
    if (turn === 5) {
      phone.platform.advance(5000);
      phone.socket.lose(4400);
      assert.equal(phone.state.nextTryAt, nextTryAt);
      assert.equal(phone.state.trouble.reason, "store_unavailable");
      phone.platform.advance(nextTryAt - phone.platform.time);
      assert.equal(phone.platform.sockets.length, 2);
      phone.accept();
    } else {
      phone.platform.advance(nextTryAt - phone.platform.time);
    }
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test("a refusal of something else does not end the entering", async () => {
  const phone = new Phone();
  const joining = phone.client.join(CODE);
  phone.accept();
  phone.socket.deliver({ t: "ERROR", reason: "bad_message", error: "?", retryable: false });
  phone.socket.deliver({ t: "ERROR", reason: "party_full", error: "?", retryable: false, requestId: 999 });
  phone.admit();
  assert.equal((await joining).memberId, "ben");
});

test("a socket that does not open within five seconds is given up", () => {
  const phone = new Phone();
  phone.client.join(CODE);
  const [first] = phone.platform.sockets;
  phone.platform.advance(4999);
  assert.equal(first.closedWith, null);
  phone.platform.advance(1);
  assert.equal(first.closedWith, 1000);
  assert.deepEqual(phone.state.trouble, { reason: "unreachable" });
  phone.platform.advance(250);
  assert.equal(phone.platform.sockets.length, 2);
  assert.equal(phone.state.phase, "connecting");
});

test("an entering command that is not answered within five seconds is given up with its socket", () => {
  const phone = new Phone();
  phone.client.join(CODE);
  phone.platform.advance(4000);
  phone.accept();
  phone.platform.advance(4999);
  assert.equal(phone.platform.sockets[0].closedWith, null);
  phone.platform.advance(1);
  assert.equal(phone.platform.sockets[0].closedWith, 1000);
  assert.equal(phone.state.trouble.reason, "unreachable");
});

test("a party that has not come ten seconds after its answer is given up", () => {
  const phone = new Phone();
  const [first] = (phone.client.join(CODE), phone.platform.sockets);
  phone.accept();
  phone.admit({ told: [] });
  for (let second = 0; second < 10; second++) {
    assert.equal(first.closedWith, null);
    first.deliver({ t: "STATUS", store: "connected" });
    phone.platform.advance(1000);
  }
  assert.equal(first.closedWith, 1000);
});

test("a party that takes its time is waited for, and longer after each failure", () => {
  const phone = new Phone();
  phone.client.join(CODE);
  for (const patience of [10_000, 20_000, 40_000, 80_000, 80_000]) {
    const { socket } = phone;
    phone.accept();
    phone.admit({ told: [] });
    phone.platform.advance(patience - 1);
    assert.equal(socket.closedWith, null);
    phone.platform.advance(1);
    assert.equal(socket.closedWith, 1000);
    phone.platform.advance(phone.state.nextTryAt - phone.platform.time);
  }
  phone.accept();
  phone.admit({ told: [] });
  phone.platform.advance(60_000);
  phone.socket.deliver(room(5));
  assert.equal(phone.state.phase, "live");
});

test("a late socket is not listened to", () => {
  const phone = new Phone();
  phone.client.join(CODE);
  const [late] = phone.platform.sockets;
  phone.platform.advance(5250);
  assert.equal(phone.platform.sockets.length, 2);
  late.accept();
  assert.deepEqual(late.sent, []);
  late.deliver(room(99));
  late.lose(4504);
  assert.equal(phone.state.phase, "connecting");
  assert.equal(phone.state.party, null);
  phone.accept();
  phone.admit();
  late.accept();
  phone.platform.advance(9_000);
  assert.equal(phone.state.phase, "live");
});

test("a world that cannot even open a socket is tried again", () => {
  const phone = new Phone();
  const { open } = phone.platform;
  phone.platform.open = () => {
    throw new Error("blocked");
  };
  phone.client.join(CODE);
  phone.platform.advance(0);
  assert.equal(phone.state.trouble.reason, "unreachable");
  phone.platform.open = open;
  phone.platform.advance(250);
  phone.accept();
  phone.admit();
  assert.equal(phone.state.phase, "live");
});

test("tries go on for ever, each wait at most ten seconds", () => {
  const phone = new Phone();
  phone.platform.dice = [1];
  phone.client.join(CODE);
  const waits = [];
  for (let turn = 0; turn < 12; turn++) {
    phone.socket.lose();
    waits.push(phone.state.nextTryAt - phone.platform.time);
    phone.platform.advance(waits.at(-1));
  }
  assert.deepEqual(waits.slice(0, 7), [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  assert.equal(waits.at(-1), 10_000);
  assert.equal(phone.platform.sockets.length, 13);
});

test("what cannot be a code is refused without a connection", async () => {
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

test("whoever enters another party has let go of the first", async () => {
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

test("a party kept from earlier is shown at once and only what was missed is asked for", async () => {
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

test("what was kept is left alone where it is of another party or makes no sense", () => {
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

test("by default a client asks its own host, encrypted where the page is", () => {
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
