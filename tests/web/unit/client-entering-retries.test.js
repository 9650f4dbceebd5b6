import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../../../src/hubbub/web/client.js";
import { CODE, isSettled, Phone, refusal, room } from "./support/phone.js";

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
  test(`after ${reason} the same connection tries again`, async () => {
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

test("waits between refusals grow, also over connections", () => {
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

test("a refusal of another request does not end the enter", async () => {
  const phone = new Phone();
  const joining = phone.client.join(CODE);
  phone.accept();
  phone.socket.deliver({ t: "ERROR", reason: "bad_message", error: "?", retryable: false });
  phone.socket.deliver({ t: "ERROR", reason: "party_full", error: "?", retryable: false, requestId: 999 });
  phone.admit();
  assert.equal((await joining).memberId, "ben");
});

test("a socket that is not open in five seconds is closed", () => {
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

test("a socket without an answer for five seconds is closed", () => {
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

test("a socket without a ROOM for ten seconds is closed", () => {
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

test("the wait for a ROOM grows with each failure", () => {
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

test("events of a closed socket are ignored", () => {
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

test("a platform that cannot open a socket is tried again", () => {
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

test("tries never end, each wait is at most ten seconds", () => {
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
