import assert from "node:assert/strict";
import { test } from "node:test";

import { isSettled, Phone, refusal, said } from "./support/phone.js";

const COMMANDS = [
  [(client) => client.sendMessage("hi"), { t: "SEND_MESSAGE", text: "hi" }],
  [(client) => client.react("🎉"), { t: "SEND_REACTION", emoji: "🎉" }],
  [(client) => client.rename("Benny"), { t: "RENAME", name: "Benny" }],
  [(client) => client.kick("cat"), { t: "KICK", targetId: "cat" }],
  [(client) => client.promote("cat"), { t: "PROMOTE", targetId: "cat" }],
  [(client) => client.setChatMode("LOCKED"), { t: "CHAT_MODE_SET", mode: "LOCKED" }],
  [(client) => client.setLocked(true), { t: "LOCK_SET", locked: true }],
  [(client) => client.selectTrack("one.mp3"), { t: "HOST_TRACK_SELECTED", filename: "one.mp3" }],
  [(client) => client.queueTrack("two.mp3"), { t: "HOST_NEXT_TRACK_QUEUED", filename: "two.mp3" }],
  [(client) => client.queueTrack(null), { t: "HOST_NEXT_TRACK_QUEUED", filename: null }],
  [(client) => client.changeTrack("one.mp3"), { t: "HOST_TRACK_CHANGED", filename: "one.mp3" }],
  [
    (client) => client.changeTrack("one.mp3", "two.mp3"),
    { t: "HOST_TRACK_CHANGED", filename: "one.mp3", nextFilename: "two.mp3" },
  ],
  [(client) => client.play(), { t: "HOST_PLAY" }],
  [(client) => client.play(0), { t: "HOST_PLAY", position: 0 }],
  [(client) => client.pause(12.5), { t: "HOST_PAUSE", position: 12.5 }],
];

for (const [order, message] of COMMANDS) {
  test(`a command is sent as ${JSON.stringify(message)} and resolves on its OK`, async () => {
    const phone = await Phone.live({ memberId: "ann" });
    const done = order(phone.client);
    const { requestId, ...sent } = phone.socket.sent.at(-1);
    assert.deepEqual(sent, message);
    phone.socket.deliver({ t: "OK", requestId: requestId + 1 });
    assert.equal(await isSettled(done), false);
    phone.socket.deliver({ t: "OK", requestId });
    assert.equal(await done, undefined);
  });
}

test("a refused command rejects with what the server said", async () => {
  const phone = await Phone.live();
  const saying = phone.client.sendMessage("hi");
  phone.refuse("rate_limited", { retryable: true, type: "SEND_MESSAGE" });
  const { reason, message, retryable, local, name } = await refusal(saying);
  assert.deepEqual(
    { reason, message, retryable, local, name },
    { reason: "rate_limited", message: "No: rate_limited", retryable: true, local: false, name: "Refusal" },
  );
  assert.equal(phone.state.phase, "live");
});

test("answers find their commands in whatever order they come", async () => {
  const phone = await Phone.live();
  const first = phone.client.sendMessage("one");
  const second = phone.client.sendMessage("two");
  const [one, two] = phone.socket.sent.filter(({ t }) => t === "SEND_MESSAGE");
  const no = { t: "ERROR", reason: "chat_locked", error: "No", retryable: false };
  phone.socket.deliver({ ...no, requestId: two.requestId });
  phone.socket.deliver({ t: "OK", requestId: one.requestId });
  await first;
  assert.equal((await refusal(second)).reason, "chat_locked");
});

test("without a live connection nothing is sent", async () => {
  const phone = new Phone();
  const idle = await refusal(phone.client.sendMessage("hi"));
  assert.deepEqual([idle.reason, idle.retryable, idle.local], ["not_connected", true, true]);
  phone.client.join("BCDFGH");
  phone.accept();
  assert.equal((await refusal(phone.client.sendMessage("hi"))).reason, "not_connected");
  phone.admit();
  phone.socket.lose();
  assert.equal((await refusal(phone.client.leave())).reason, "not_connected");
  assert.equal(phone.socket.count("SEND_MESSAGE"), 0);
});

test("a command pending at a loss may have happened", async () => {
  const phone = await Phone.live();
  const saying = phone.client.sendMessage("hi");
  phone.socket.lose();
  const { reason, retryable, local } = await refusal(saying);
  assert.deepEqual({ reason, retryable, local }, { reason: "lost", retryable: false, local: true });
  phone.platform.advance(250);
  phone.accept();
  phone.admit();
  assert.equal(phone.socket.count("SEND_MESSAGE"), 0);
});

test("a command too long for a frame is refused locally", async () => {
  const phone = await Phone.live();
  const { reason, local } = await refusal(phone.client.sendMessage("é".repeat(5000)));
  assert.deepEqual([reason, local], ["too_long", true]);
  assert.equal(phone.socket.count("SEND_MESSAGE"), 0);
});

test("a name whose change was on its way is asked for again", async () => {
  const phone = await Phone.live();
  const renaming = phone.client.rename("Benny");
  phone.socket.lose();
  await refusal(renaming);
  phone.platform.advance(250);
  phone.accept();
  assert.equal(phone.socket.last("JOIN").name, "Benny");
});

test("a name that was refused is not", async () => {
  const phone = await Phone.live();
  const renaming = phone.client.rename("Benny");
  phone.refuse("store_unavailable", { retryable: true, type: "RENAME" });
  await refusal(renaming);
  phone.socket.lose();
  phone.platform.advance(250);
  phone.accept();
  assert.equal(phone.socket.last("JOIN").name, "Ben");
});

for (const answer of ["OK", "close code 1000"]) {
  test(`leaving is over with the ${answer} of the server`, async () => {
    const phone = await Phone.live();
    const leaving = phone.client.leave();
    if (answer === "OK") phone.socket.deliver({ t: "OK", requestId: phone.socket.last("LEAVE").requestId });
    else phone.socket.lose(1000);
    await leaving;
    assert.deepEqual([phone.state.phase, phone.state.over], ["over", { reason: "left" }]);
    assert.equal(phone.platform.held, 0);
  });
}

test("a leaving host gets a recap that comes before the OK", async () => {
  const phone = await Phone.live({ memberId: "ann" });
  const leaving = phone.client.leave();
  const recap = { seconds: 9, guests: 1, messages: 2, reactions: 3 };
  phone.socket.deliver({ t: "ENDED", cause: "host_left", recap, version: 6 });
  await leaving;
  assert.deepEqual(phone.state.over, { reason: "left", cause: "host_left", recap });
});

test("a client that loses its connection while leaving stays out", async () => {
  const phone = await Phone.live();
  const leaving = phone.client.leave();
  phone.socket.lose();
  assert.equal((await refusal(leaving)).reason, "lost");
  assert.deepEqual(phone.state.over, { reason: "left" });
  phone.platform.advance(60_000);
  assert.equal(phone.platform.sockets.length, 1);
});

test("a refused leave leaves nothing behind", async () => {
  const phone = await Phone.live();
  const leaving = phone.client.leave();
  phone.refuse("store_unavailable", { retryable: true, type: "LEAVE" });
  assert.equal((await refusal(leaving)).reason, "store_unavailable");
  phone.socket.lose();
  assert.equal(phone.state.phase, "reconnecting");
});

test("close does not leave, and no event follows", async () => {
  const phone = await Phone.live();
  const saying = phone.client.sendMessage("hi");
  const before = [phone.changes.length, phone.events.length];
  phone.client.close();
  assert.equal((await refusal(saying)).reason, "lost");
  assert.equal(phone.socket.closedWith, 1000);
  assert.equal(phone.socket.count("LEAVE"), 0);
  assert.equal(phone.state.phase, "idle");
  phone.socket.deliver(said(6));
  phone.socket.lose();
  phone.platform.advance(60_000);
  phone.platform.signal("shown");
  phone.client.wake();
  phone.client.close();
  assert.deepEqual([phone.changes.length, phone.events.length], before);
  assert.equal(phone.platform.sockets.length, 1);
  assert.equal(phone.platform.held, 0);
});

test("close while entering refuses the promise", async () => {
  const phone = new Phone();
  const joining = phone.client.join("BCDFGH");
  phone.client.close();
  const { reason, local } = await refusal(joining);
  assert.deepEqual([reason, local], ["closed", true]);
});

for (const signal of ["frozen", "offline", "shown"]) {
  test(`close in answer to what "${signal}" changed is the end of it`, async () => {
    const phone = await Phone.live();
    if (signal === "shown") phone.socket.lose();
    phone.client.on("change", () => phone.client.close());
    phone.platform.signal(signal);
    assert.equal(phone.state.phase, "idle");
    assert.equal(phone.platform.held, 0);
  });
}

test("close in answer to the very first news is the end of it", () => {
  const phone = new Phone();
  const { signals } = phone.platform;
  phone.platform.signals = (listener) => {
    listener("offline");
    return signals(listener);
  };
  phone.client.on("change", () => phone.client.close());
  phone.client.join("BCDFGH");
  assert.equal(phone.state.phase, "idle");
  assert.equal(phone.platform.held, 0);
  assert.ok(phone.platform.sockets.every(({ closedWith }) => closedWith === 1000));
});

test("close in a frame drops the rest of the frame", async () => {
  const phone = await Phone.live();
  phone.client.on("event", () => phone.client.close());
  const later = [];
  phone.client.on("event", (event) => later.push(event));
  phone.socket.deliver(said(6), said(7));
  assert.deepEqual([phone.events.length, later.length], [1, 0]);
});

test("a listener that throws harms nobody else and is reported", async () => {
  const phone = await Phone.live();
  const reported = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => reported.push(error.message));
  try {
    const told = [];
    for (const name of ["change", "event", "reaction"]) {
      phone.client.on(name, () => {
        throw new Error(`in ${name}`);
      });
      phone.client.on(name, () => told.push(name));
    }
    phone.socket.deliver(said(6), { t: "REACTION", memberId: "ann", name: "Ann", emoji: "🎉" });
    assert.deepEqual(told, ["change", "event", "reaction"]);
    phone.socket.deliver(said(7));
    assert.equal(phone.state.party.version, 7);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(reported, ["in change", "in event", "in reaction", "in change", "in event"]);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});

test("a removed listener is not called", async () => {
  const phone = await Phone.live();
  const told = [];
  const listener = ({ version }) => told.push(version);
  const off = phone.client.on("event", listener);
  phone.client.on("event", listener);
  phone.socket.deliver(said(6));
  off();
  off();
  phone.socket.deliver(said(7));
  assert.deepEqual(told, [6, 6, 7]);
  assert.throws(() => phone.client.on("party", listener), TypeError);
});

test("rejections that nobody looks at trouble nobody", async () => {
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on("unhandledRejection", note);
  const phone = new Phone();
  phone.client.sendMessage("never sent");
  phone.client.join("no code");
  phone.client.join("BCDFGH");
  phone.accept();
  phone.refuse("party_full");
  const other = await Phone.live();
  other.client.sendMessage("lost");
  other.client.rename("lost too");
  other.client.leave();
  other.socket.lose();
  const third = await Phone.live();
  third.client.rename("refused");
  third.refuse("bad_field", { type: "RENAME" });
  third.client.close();
  third.client.leave();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  assert.deepEqual(unhandled, []);
});
