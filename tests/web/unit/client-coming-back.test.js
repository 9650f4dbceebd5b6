import assert from "node:assert/strict";
import { test } from "node:test";

import { CODE, isSettled, Phone, refusal, room, said, TOKEN } from "./support/phone.js";

/** A client that has been live for a minute, so that its next try comes at once. */
async function settled() {
  const phone = await Phone.live();
  live(phone, 60_000);
  return phone;
}

/** Let time pass while the server answers every PING. */
function live(phone, ms) {
  const { socket } = phone;
  for (let passed = 0; passed < ms; passed += 1000) {
    answerPings(socket);
    phone.platform.advance(1000);
  }
  answerPings(socket);
}

function answerPings(socket) {
  const asked = socket.count("PING");
  if (asked > (socket.answered ?? 0)) socket.deliver({ t: "PONG", id: socket.last("PING").id, serverTime: 1 });
  socket.answered = asked;
}

/** Let time pass until the client sends its next PING. */
function untilAsked(phone) {
  const asked = phone.socket.count("PING");
  for (let second = 0; phone.socket.count("PING") === asked; second++) {
    assert.ok(second < 60, "no PING for a minute");
    phone.platform.advance(1000);
  }
}

function comeBack(phone, options) {
  phone.accept();
  phone.admit({ version: phone.state.party.version, resumed: true, told: [], ...options });
}

const FINAL = [
  [4503, "party_ended"],
  [4504, "kicked"],
  [4509, "taken_over"],
  [4513, "abuse"],
];

for (const [code, reason] of FINAL) {
  test(`close code ${code} is final: ${reason}`, async () => {
    const phone = await Phone.live();
    phone.socket.lose(code);
    assert.deepEqual([phone.state.phase, phone.state.over], ["over", { reason }]);
    assert.equal(phone.state.party.version, 5);
    phone.platform.signal("shown");
    phone.platform.advance(60_000);
    assert.equal(phone.platform.sockets.length, 1);
    assert.equal(phone.platform.held, 0);
  });
}

test("a final close code that is not known yet is final too", async () => {
  const phone = await Phone.live();
  phone.socket.lose(4577, "too_loud");
  assert.deepEqual(phone.state.over, { reason: "too_loud" });
});

test("a final close while entering rejects", async () => {
  const phone = new Phone();
  const joining = phone.client.join(CODE);
  phone.accept();
  phone.socket.lose(4513);
  assert.equal((await refusal(joining)).reason, "abuse");
});

for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 4400, 4408, 4409, 4499]) {
  test(`after close code ${code} the client comes back at once`, async () => {
    const phone = await settled();
    phone.platform.dice = [1];
    phone.socket.lose(code);
    assert.equal(phone.state.phase, "reconnecting");
    assert.equal(phone.state.nextTryAt, phone.platform.time + 250);
    assert.equal(phone.state.lostAt, phone.platform.time);
    assert.equal(phone.state.trouble, null);
    phone.platform.advance(250);
    comeBack(phone);
    assert.equal(phone.state.phase, "live");
  });
}

test("a loss is one change, which tells when the next try will be", async () => {
  const phone = await settled();
  const before = phone.changes.length;
  phone.socket.lose();
  assert.equal(phone.changes.length, before + 1);
  assert.equal(phone.state.nextTryAt, phone.platform.time + 125);
  const final = await settled();
  const told = final.changes.length;
  final.socket.lose(4509);
  assert.equal(final.changes.length, told + 1);
});

test("whoever wakes the client on a loss has it try at once and leaves no doubt behind", async () => {
  const phone = await settled();
  const off = phone.client.on("change", ({ phase }) => phase === "reconnecting" && phone.client.wake());
  phone.socket.lose();
  off();
  assert.equal(phone.platform.sockets.length, 2);
  phone.platform.advance(3500);
  comeBack(phone);
  assert.equal(phone.platform.sockets.length, 2);
  assert.equal(phone.state.phase, "live");
});

test("after 1012 the client comes back within five seconds", async () => {
  const phone = await settled();
  phone.platform.dice = [0.9];
  phone.socket.lose(1012);
  assert.equal(phone.state.nextTryAt, phone.platform.time + 4500);
  phone.platform.advance(4500);
  comeBack(phone);
  assert.equal(phone.state.phase, "live");
});

test("tries after a loss wait longer and longer, and anew after a connection that lasted", async () => {
  const phone = await settled();
  phone.platform.dice = [1];
  const waits = [];
  for (let turn = 0; turn < 4; turn++) {
    phone.socket.lose();
    waits.push(phone.state.nextTryAt - phone.platform.time);
    phone.platform.advance(waits.at(-1));
  }
  comeBack(phone);
  live(phone, 5000);
  phone.socket.lose();
  waits.push(phone.state.nextTryAt - phone.platform.time);
  assert.deepEqual(waits, [250, 500, 1000, 2000, 250]);
});

test("connections that are lost as soon as they are live are not chased", async () => {
  const phone = await settled();
  phone.platform.dice = [1];
  const waits = [];
  for (let turn = 0; turn < 5; turn++) {
    phone.socket.lose();
    waits.push(phone.state.nextTryAt - phone.platform.time);
    phone.platform.advance(waits.at(-1));
    comeBack(phone);
  }
  assert.deepEqual(waits, [250, 250, 500, 1000, 2000]);
});

test("a failed try tells its trouble, and success clears it", async () => {
  const phone = await settled();
  const lostAt = phone.platform.time;
  phone.socket.lose();
  phone.platform.advance(250);
  phone.socket.lose();
  assert.deepEqual(phone.state.trouble, { reason: "unreachable" });
  phone.platform.advance(500);
  phone.accept();
  phone.refuse("recovering", { retryable: true });
  assert.equal(phone.state.trouble.reason, "recovering");
  assert.equal(phone.state.lostAt, lostAt);
  phone.platform.advance(phone.state.nextTryAt - phone.platform.time);
  phone.admit();
  const { trouble, lostAt: lost, nextTryAt } = phone.state;
  assert.deepEqual({ trouble, lost, nextTryAt }, { trouble: null, lost: null, nextTryAt: null });
});

for (const reason of ["party_not_found", "party_ended", "kicked", "party_full"]) {
  test(`while coming back ${reason} is final`, async () => {
    const phone = await settled();
    phone.socket.lose();
    phone.platform.advance(250);
    phone.accept();
    phone.refuse(reason);
    assert.equal(phone.state.phase, "over");
    assert.equal(phone.state.over.reason, reason);
    assert.equal(phone.platform.held, 0);
  });
}

test("the end of the party is told with its cause and recap", async () => {
  const phone = await Phone.live();
  const recap = { seconds: 9, guests: 1, messages: 2, reactions: 3 };
  phone.socket.deliver({ t: "ENDED", cause: "host_timeout", recap, version: 6 });
  assert.equal(phone.state.phase, "over");
  assert.deepEqual(phone.state.over, { reason: "party_ended", cause: "host_timeout", recap });
  assert.deepEqual(
    phone.events.map(({ t }) => t),
    ["ENDED"],
  );
  phone.socket.lose(4503);
  assert.deepEqual(phone.state.over.recap, recap);
});

test("a kick is told", async () => {
  const phone = await Phone.live();
  phone.socket.deliver({ t: "MEMBER_LEFT", version: 6, guestCount: 0, memberId: "ben", cause: "kicked" });
  assert.equal(phone.state.phase, "live");
  phone.socket.deliver({ t: "KICKED" });
  assert.deepEqual([phone.state.phase, phone.state.over], ["over", { reason: "kicked" }]);
});

test("a seat that was taken over is taken back by joining again", async () => {
  const phone = await Phone.live();
  phone.socket.lose(4509);
  const joining = phone.client.join(CODE, { token: TOKEN, party: phone.state.party });
  assert.equal(phone.state.phase, "connecting");
  assert.equal(phone.state.over, null);
  phone.accept();
  phone.admit({ version: 5, resumed: true, told: [] });
  assert.equal((await joining).resumed, true);
  assert.equal(phone.state.phase, "live");
});

// Signs of life.

test("a PING goes out after entering, and then as often as the server wants", async () => {
  const phone = await Phone.live();
  assert.equal(phone.socket.count("PING"), 1);
  answerPings(phone.socket);
  phone.platform.advance(19_999);
  assert.equal(phone.socket.count("PING"), 1);
  phone.platform.advance(1);
  assert.equal(phone.socket.count("PING"), 2);
});

test("an interval that makes no sense is not taken", async () => {
  for (const heartbeatSeconds of [0, -1, "20", null, 1e9]) {
    const phone = new Phone();
    phone.client.join(CODE);
    phone.socket.accept();
    phone.socket.deliver({ t: "WELCOME", heartbeatSeconds });
    phone.admit();
    answerPings(phone.socket);
    phone.platform.advance(20_000);
    assert.equal(phone.socket.count("PING"), 2);
  }
});

test("a socket that shows no sign of life for ten seconds after a PING is abandoned", async () => {
  const phone = await settled();
  const [dead] = phone.platform.sockets;
  untilAsked(phone);
  phone.platform.advance(9_999);
  assert.equal(phone.state.phase, "live");
  phone.platform.advance(1);
  assert.equal(phone.state.phase, "reconnecting");
  assert.equal(dead.closedWith, 1000);
  phone.platform.advance(250);
  assert.equal(phone.platform.sockets.length, 2);
  comeBack(phone);
  dead.deliver(said(6));
  dead.lose(4504);
  assert.deepEqual([phone.state.phase, phone.state.party.version], ["live", 5]);
});

test("any message is a sign of life", async () => {
  const phone = await settled();
  untilAsked(phone);
  phone.platform.advance(9000);
  phone.socket.frame("{ not even understood");
  phone.platform.advance(9000);
  assert.equal(phone.state.phase, "live");
});

test("the store's time is learned from the answers", async () => {
  const phone = await Phone.live();
  assert.equal(phone.client.storeNow(), phone.platform.time);
  phone.platform.advance(100);
  const { id } = phone.socket.last("PING");
  phone.socket.deliver({ t: "PONG", id, serverTime: phone.platform.time + 7000 });
  assert.equal(phone.client.storeNow(), phone.platform.time + 7050);
  phone.socket.deliver({ t: "PONG", id, serverTime: 0 });
  phone.socket.deliver({ t: "PONG", serverTime: 0 });
  assert.equal(phone.client.storeNow(), phone.platform.time + 7050);
});

// What the device tells.

for (const signal of ["shown", "online"]) {
  test(`${signal}: an open connection is asked, with little patience`, async () => {
    const phone = await settled();
    const asked = phone.socket.count("PING");
    phone.platform.signal(signal);
    assert.equal(phone.socket.count("PING"), asked + 1);
    phone.platform.signal(signal);
    assert.equal(phone.socket.count("PING"), asked + 1);
    phone.platform.advance(2999);
    assert.equal(phone.state.phase, "live");
    phone.platform.advance(1);
    assert.equal(phone.state.phase, "reconnecting");
  });

  test(`${signal}: a connection that answers stays`, async () => {
    const phone = await settled();
    phone.platform.signal(signal);
    answerPings(phone.socket);
    live(phone, 10_000);
    assert.equal(phone.platform.sockets.length, 1);
    assert.equal(phone.state.phase, "live");
  });

  test(`${signal}: a try that is awaited is made at once, and the waits begin anew`, async () => {
    const phone = await settled();
    phone.platform.dice = [1];
    for (let turn = 0; turn < 6; turn++) {
      phone.socket.lose();
      if (turn < 5) phone.platform.advance(phone.state.nextTryAt - phone.platform.time);
    }
    const tried = phone.platform.sockets.length;
    phone.platform.signal(signal);
    assert.equal(phone.platform.sockets.length, tried + 1);
    assert.equal(phone.state.nextTryAt, null);
    phone.socket.lose();
    assert.equal(phone.state.nextTryAt, phone.platform.time + 500);
  });

  test(`${signal}: a try that is under way is replaced unless it is fresh`, async () => {
    const phone = await settled();
    phone.socket.lose();
    phone.platform.advance(250);
    phone.platform.signal(signal);
    assert.equal(phone.platform.sockets.length, 2);
    phone.platform.advance(2000);
    phone.platform.signal(signal);
    phone.platform.signal(signal);
    assert.equal(phone.platform.sockets.length, 3);
    assert.equal(phone.platform.sockets[1].closedWith, 1000);
  });

  test(`${signal}: an answer that is awaited is given three more seconds`, async () => {
    const phone = await settled();
    phone.socket.lose();
    phone.platform.advance(250);
    phone.accept();
    phone.platform.signal(signal);
    phone.platform.advance(3000);
    assert.equal(phone.platform.sockets[1].closedWith, 1000);
  });
}

test("a retry after a refusal does not wait through a signal either", async () => {
  const phone = new Phone();
  phone.client.join(CODE);
  phone.accept();
  phone.refuse("store_unavailable", { retryable: true });
  phone.platform.signal("shown");
  assert.equal(phone.platform.sockets.length, 2);
  phone.accept();
  phone.admit();
  assert.equal(phone.state.phase, "live");
});

test("wake does what a page that is shown does", async () => {
  const phone = await settled();
  const asked = phone.socket.count("PING");
  phone.client.wake();
  assert.equal(phone.socket.count("PING"), asked + 1);
  phone.socket.lose();
  phone.client.wake();
  assert.equal(phone.platform.sockets.length, 2);
});

test("a hidden page keeps its connection", async () => {
  const phone = await settled();
  phone.platform.signal("hidden");
  live(phone, 120_000);
  assert.equal(phone.platform.sockets.length, 1);
});

test("offline is told at once, and the connection is asked", async () => {
  const phone = await settled();
  phone.platform.signal("offline");
  assert.deepEqual([phone.state.phase, phone.state.trouble], ["live", { reason: "offline" }]);
  phone.platform.advance(3000);
  assert.deepEqual([phone.state.phase, phone.state.trouble], ["reconnecting", { reason: "offline" }]);
  phone.platform.advance(250);
  phone.socket.lose();
  assert.deepEqual(phone.state.trouble, { reason: "offline" });
  phone.platform.signal("online");
  assert.equal(phone.state.trouble, null);
  assert.equal(phone.platform.sockets.length, 3);
  phone.socket.lose();
  assert.deepEqual(phone.state.trouble, { reason: "unreachable" });
});

test("a device that says offline and hears all the same is not offline", async () => {
  const phone = await settled();
  phone.platform.signal("offline");
  answerPings(phone.socket);
  assert.deepEqual([phone.state.phase, phone.state.trouble], ["live", null]);
  phone.socket.lose();
  phone.platform.advance(250);
  phone.socket.lose();
  assert.deepEqual(phone.state.trouble, { reason: "unreachable" });
});

test("a device that slept is found out by its clock", async () => {
  const phone = await settled();
  const asked = phone.socket.count("PING");
  answerPings(phone.socket);
  phone.platform.sleep(3_600_000);
  phone.platform.advance(0);
  assert.ok(phone.socket.count("PING") > asked);
  phone.platform.advance(3000);
  assert.equal(phone.state.phase, "reconnecting");
});

test("a device that slept on a wait tries at once", async () => {
  const phone = new Phone();
  phone.platform.dice = [1];
  phone.client.join(CODE);
  for (let turn = 0; turn < 8; turn++) {
    phone.socket.lose();
    if (turn < 7) phone.platform.advance(phone.state.nextTryAt - phone.platform.time);
  }
  const tried = phone.platform.sockets.length;
  phone.platform.sleep(3_600_000);
  phone.platform.advance(0);
  assert.equal(phone.platform.sockets.length, tried + 1);
});

test("a device that slept through a verdict asks once more, for the answer may lie there", async () => {
  const phone = await settled();
  for (let turn = 6; turn < 9; turn++) {
    untilAsked(phone);
    phone.platform.sleep(60_000);
    phone.platform.advance(0);
    assert.equal(phone.state.phase, "live");
    phone.socket.deliver(said(turn));
    phone.platform.advance(3000);
    assert.equal(phone.state.phase, "live");
  }
  untilAsked(phone);
  phone.platform.sleep(60_000);
  phone.platform.advance(0);
  phone.platform.sleep(60_000);
  phone.platform.advance(0);
  assert.equal(phone.state.phase, "reconnecting");
});

test("a page that is put aside closes its connection and is back at once when it is shown", async () => {
  const phone = await settled();
  phone.platform.signal("frozen");
  assert.equal(phone.socket.closedWith, 1000);
  assert.equal(phone.state.phase, "reconnecting");
  phone.platform.sleep(600_000);
  phone.platform.signal("shown");
  assert.equal(phone.platform.sockets.length, 2);
  comeBack(phone);
  assert.equal(phone.state.phase, "live");
});

test("a page that was to be put aside and was not comes back by itself", async () => {
  const phone = await settled();
  phone.platform.signal("frozen");
  phone.platform.advance(4999);
  assert.equal(phone.platform.sockets.length, 1);
  phone.platform.advance(1);
  assert.equal(phone.platform.sockets.length, 2);
});

test("a page that is put aside while it connects does not go on doing so", async () => {
  const phone = new Phone();
  const joining = phone.client.join(CODE);
  phone.accept();
  phone.platform.signal("frozen");
  assert.equal(phone.platform.sockets[0].closedWith, 1000);
  assert.equal(await isSettled(joining), false);
  phone.platform.signal("shown");
  phone.accept();
  phone.admit();
  assert.equal((await joining).memberId, "ben");
});

test("a new ROOM during a quiet phase keeps the client live", async () => {
  const phone = await settled();
  phone.socket.deliver(room(900));
  live(phone, 60_000);
  assert.deepEqual([phone.state.phase, phone.state.party.version], ["live", 900]);
});
