import assert from "node:assert/strict";
import { test } from "node:test";

import { CODE, isSettled, Phone, said } from "./support/phone.js";
import { answerPings, comeBack, live, settled, untilAsked } from "./support/settled-phone.js";

for (const signal of ["shown", "online"]) {
  test(`${signal}: an open connection has three seconds to answer`, async () => {
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

  test(`${signal}: the next try is made at once, waits start over`, async () => {
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

  test(`${signal}: an older try is replaced by a new one`, async () => {
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

  test(`${signal}: an awaited answer has three more seconds`, async () => {
    const phone = await settled();
    phone.socket.lose();
    phone.platform.advance(250);
    phone.accept();
    phone.platform.signal(signal);
    phone.platform.advance(3000);
    assert.equal(phone.platform.sockets[1].closedWith, 1000);
  });
}

test("a signal makes a retry after a refusal at once", async () => {
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

test("wake does the same as the shown signal", async () => {
  const phone = await settled();
  const asked = phone.socket.count("PING");
  phone.client.wake();
  assert.equal(phone.socket.count("PING"), asked + 1);
  phone.socket.lose();
  phone.client.wake();
  assert.equal(phone.platform.sockets.length, 2);
});

test("a hidden page leaves its connection open", async () => {
  const phone = await settled();
  phone.platform.signal("hidden");
  live(phone, 120_000);
  assert.equal(phone.platform.sockets.length, 1);
});

test("offline is set at once, and a PING is sent", async () => {
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

test("an answer clears the offline signal", async () => {
  const phone = await settled();
  phone.platform.signal("offline");
  answerPings(phone.socket);
  assert.deepEqual([phone.state.phase, phone.state.trouble], ["live", null]);
  phone.socket.lose();
  phone.platform.advance(250);
  phone.socket.lose();
  assert.deepEqual(phone.state.trouble, { reason: "unreachable" });
});

test("a jump of the clock shows that the device slept", async () => {
  const phone = await settled();
  const asked = phone.socket.count("PING");
  answerPings(phone.socket);
  phone.platform.sleep(3_600_000);
  phone.platform.advance(0);
  assert.ok(phone.socket.count("PING") > asked);
  phone.platform.advance(3000);
  assert.equal(phone.state.phase, "reconnecting");
});

test("a device that slept through a wait tries at once", async () => {
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

test("a device that slept through a deadline sends a new PING", async () => {
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

test("a frozen page closes its connection until it is shown", async () => {
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

test("a page that was not frozen after all reconnects", async () => {
  const phone = await settled();
  phone.platform.signal("frozen");
  phone.platform.advance(4999);
  assert.equal(phone.platform.sockets.length, 1);
  phone.platform.advance(1);
  assert.equal(phone.platform.sockets.length, 2);
});

test("a frozen page stops connecting until it is shown", async () => {
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
