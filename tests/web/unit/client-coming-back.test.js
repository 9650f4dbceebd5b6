import assert from "node:assert/strict";
import { test } from "node:test";

import { CODE, Phone, refusal, TOKEN } from "./support/phone.js";
import { comeBack, live, settled } from "./support/settled-phone.js";

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

test("a loss is one change, with the time of the next try", async () => {
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

test("a wake on a loss makes one try at once", async () => {
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

test("waits grow, and start over after a lasting connection", async () => {
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

test("waits grow when connections are lost as soon as live", async () => {
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

test("a failed try sets trouble, success clears it", async () => {
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

test("ENDED sets the cause and the recap", async () => {
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

test("KICKED ends the session", async () => {
  const phone = await Phone.live();
  phone.socket.deliver({ t: "MEMBER_LEFT", version: 6, guestCount: 0, memberId: "ben", cause: "kicked" });
  assert.equal(phone.state.phase, "live");
  phone.socket.deliver({ t: "KICKED" });
  assert.deepEqual([phone.state.phase, phone.state.over], ["over", { reason: "kicked" }]);
});

test("joining again takes a taken-over seat back", async () => {
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
