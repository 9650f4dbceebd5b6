import assert from "node:assert/strict";
import { test } from "node:test";

import { partyModel } from "../../../src/hubbub/web/models/party.js";
import { AppPhone, settled } from "./support/app-phone.js";
import { CODE, member, said } from "./support/phone.js";
import { t } from "./support/shown.js";

function message(version, memberId = "ann") {
  return { ...said(version), memberId };
}

/** The server answers the last command of that type. */
async function answered(phone, type, reason) {
  const { requestId } = phone.socket.last(type);
  await phone.happens(
    reason === undefined ? { t: "OK", requestId } : { t: "ERROR", reason, error: "No", retryable: false, requestId },
  );
}

function shown(phone) {
  return partyModel(phone.app.state, phone.device, { now: phone.platform.time, storeNow: phone.app.storeNow() }, t)
    .shown;
}

function promoted(version, id, name) {
  return {
    t: "HOST_CHANGED",
    version,
    guestCount: 1,
    hostId: id,
    member: member(id, name, { isHost: true }),
  };
}

// ---------------------------------------------------------------- a reload

test("a reload shows the party and asks for missed events only", async () => {
  const phone = await AppPhone.visiting();
  const { token } = phone.socket.last("JOIN");
  await phone.happens(message(6));
  const called = phone.storage.seatOf(CODE).name;
  assert.equal(typeof called, "string");
  const again = phone.reloaded();
  assert.equal(again.screen, "party");
  assert.equal(again.app.state.messages.length, 1);
  again.accept();
  const join = again.socket.last("JOIN");
  assert.deepEqual(
    [join.token, join.since, join.name],
    [token, { epoch: phone.state.party.epoch, version: 6 }, called],
  );
  await again.seat({ version: 8, resumed: true, told: [message(7), message(8)] });
  assert.equal(again.state.phase, "live");
  assert.deepEqual(
    again.app.state.messages.map(({ id }) => id),
    ["m6", "m7", "m8"],
  );
});

test("older messages survive reloads without a network", async () => {
  const phone = await AppPhone.visiting();
  for (let version = 6; version < 46; version += 1) await phone.happens({ ...message(version), at: version });
  assert.equal(phone.app.state.messages.length, 40);
  const offline = phone.reloaded();
  assert.equal(offline.app.state.messages.length, 40);
  const again = offline.reloaded();
  assert.equal(again.app.state.messages.length, 40);
  again.accept();
  await again.seat({ version: 45, resumed: true, told: [] });
  assert.equal(again.app.state.messages.length, 40);
});

test("an invalid stored party is ignored", async () => {
  for (const text of [
    "{",
    "null",
    '{"party": 5, "messages": []}',
    '{"party": {}, "messages": {}}',
    '{"party": {"code": "BCDFGH"}}',
  ]) {
    const phone = await AppPhone.visiting();
    phone.app.home();
    phone.session.scribble(`party.${CODE}`, text);
    const again = phone.reloaded(`/p/${CODE}`);
    assert.equal(again.screen, "door:connecting", text);
    again.accept();
    await again.seat();
    assert.equal(again.screen, "party", text);
    assert.equal(again.told.entries, 1, text);
  }
});

test("a host who reloads is shown as host before the answer", async () => {
  const phone = await AppPhone.hosting();
  const again = phone.reloaded();
  assert.equal(again.screen, "party");
  assert.equal(again.storage.seatOf(CODE).isHost, true);
});

test("what is remembered of a seat follows the party", async () => {
  const phone = await AppPhone.visiting();
  assert.deepEqual([phone.storage.lastSeat.isHost, phone.storage.lastSeat.hostName], [false, "Ann"]);
  await phone.happens(promoted(6, "ben", "Ben"));
  assert.deepEqual([phone.storage.lastSeat.isHost, phone.storage.lastSeat.hostName], [true, "Ben"]);
  assert.equal(phone.device.isAwake, true);
});

// ---------------------------------------------------------------- what is unread, and what is announced

test("messages are unread while the chat is hidden", async () => {
  const host = await AppPhone.hosting();
  await host.happens(message(2, "ben"), message(3, "ann"));
  assert.equal(host.app.state.unread, 1);
  host.app.showTab("chat");
  assert.equal(host.app.state.unread, 0);
  await host.happens(message(4, "ben"));
  assert.equal(host.app.state.unread, 0);
  host.app.showTab("people");
  await host.happens(message(5, "ben"));
  assert.equal(host.app.state.unread, 1);
});

test("a guest sees the chat first, with nothing unread", async () => {
  const phone = await AppPhone.visiting();
  await phone.happens(message(6));
  assert.deepEqual([shown(phone), phone.app.state.unread], ["chat", 0]);
  const again = phone.reloaded();
  again.accept();
  await again.seat({ version: 8, resumed: true, told: [message(7), message(8)] });
  assert.deepEqual([shown(again), again.app.state.unread], ["chat", 0]);
});

test("a former host moves from music to chat, nothing unread", async () => {
  const phone = await AppPhone.hosting();
  await phone.happens({ t: "MEMBER_JOINED", version: 2, guestCount: 1, member: member("ben", "Ben") });
  phone.app.showTab("music");
  await phone.happens(promoted(3, "ben", "Ben"));
  await phone.happens(message(4, "ben"));
  assert.deepEqual([shown(phone), phone.app.state.unread], ["chat", 0]);
});

test("a tab chosen before the server's answer stays chosen", async () => {
  const phone = (await AppPhone.visiting()).reloaded();
  phone.app.showTab("people");
  phone.accept();
  await phone.seat({ resumed: true });
  assert.equal(shown(phone), "people");
});

test("leaves and reconnects are announced", async () => {
  const phone = await AppPhone.visiting();
  await phone.happens({ t: "MEMBER_LEFT", version: 6, memberId: "ann", cause: "left", guestCount: 1 });
  phone.platform.advance(1500);
  phone.lose();
  await phone.seat({ version: 6, resumed: true, told: [] });
  phone.platform.advance(1500);
  assert.deepEqual(phone.told.heard, ["Ann left", "You are connected again"]);
});

// ---------------------------------------------------------------- what people do

test("only a refused command shows a text, for five seconds", async () => {
  const phone = await AppPhone.visiting();
  const first = phone.app.commands.sendMessage("hello");
  await answered(phone, "SEND_MESSAGE");
  assert.deepEqual([await first, phone.app.state.notice], [true, null]);
  const second = phone.app.commands.sendMessage("hello");
  await answered(phone, "SEND_MESSAGE", "chat_locked");
  assert.deepEqual([await second, phone.app.state.notice], [false, t("notice.chat_locked")]);
  phone.platform.advance(4999);
  assert.notEqual(phone.app.state.notice, null);
  phone.platform.advance(1);
  assert.equal(phone.app.state.notice, null);
});

test("a later notice has its own five seconds", async () => {
  const phone = await AppPhone.visiting();
  phone.socket.lose();
  await phone.app.commands.sendMessage("one");
  phone.platform.advance(4000);
  await phone.app.commands.react("🎉");
  phone.platform.advance(4000);
  assert.equal(phone.app.state.notice, t("notice.not_connected"));
});

test("actions without a party do nothing and do not throw", async () => {
  const phone = await AppPhone.visiting();
  phone.app.home();
  assert.equal(await phone.app.commands.sendMessage("hello"), false);
  phone.app.tryNow();
  assert.equal(phone.app.storeNow(), 0);
  assert.equal(phone.app.isMoving, false);
});

test("a guest who cannot be made the host is called by name", async () => {
  const phone = await AppPhone.hosting();
  const promoting = phone.app.commands.promote("ben", "Ben");
  await answered(phone, "PROMOTE", "not_connected");
  assert.equal(await promoting, false);
  assert.match(phone.app.state.notice, /^Ben is away/);
});

test("a name given inside is stored, an empty one too", async () => {
  const phone = new AppPhone();
  phone.app.enterCode(CODE, CODE, "");
  phone.accept();
  await phone.seat();
  assert.equal(phone.app.state.askName, true);
  const nothing = phone.socket.sent.length;
  assert.equal(await phone.app.submitName("  "), true);
  assert.deepEqual([phone.app.state.askName, phone.socket.sent.length], [false, nothing]);
  phone.app.submitName(" Benny ");
  assert.equal(phone.socket.last("RENAME").name, "Benny");
  assert.equal(phone.local.told("name"), "Benny");
});

test("a chosen track plays from its start, a skip plays the next", async () => {
  const phone = await AppPhone.hosting();
  const playing = phone.app.commands.playTrack("one.mp3");
  await answered(phone, "HOST_TRACK_SELECTED");
  await answered(phone, "HOST_PLAY");
  assert.equal(await playing, true);
  assert.equal(phone.socket.last("HOST_PLAY").position, 0);
  await phone.happens({ t: "NEXT_TRACK_QUEUED", version: 2, filename: "two.mp3" });
  phone.app.commands.skip();
  assert.equal(phone.socket.last("HOST_TRACK_CHANGED").filename, "two.mp3");
});

test("the screen repaints only during playback or a wait", async () => {
  const phone = await AppPhone.visiting();
  assert.equal(phone.app.isMoving, false);
  await phone.happens(
    { t: "TRACK_SELECTED", version: 6, filename: "one.mp3", at: 0 },
    { t: "PLAY", version: 7, position: 0, at: 0 },
  );
  assert.equal(phone.app.isMoving, true);
  await phone.happens({ t: "PAUSE", version: 8, position: 0, at: 0 });
  phone.lose();
  assert.equal(phone.app.isMoving, true);
  await phone.seat({ version: 8, told: [] });
  await phone.happens({
    t: "ENDED",
    version: 9,
    cause: "host_left",
    recap: { seconds: 1, guests: 1, messages: 0, reactions: 0 },
  });
  assert.equal(phone.app.isMoving, false);
});

test("the link is shared and copied, with the result shown", async () => {
  const phone = await AppPhone.visiting();
  await phone.app.sharing.share();
  assert.equal(phone.device.shared[0].url, `https://party.test/p/${CODE}`);
  await phone.app.sharing.copy();
  assert.deepEqual(
    [phone.device.copied, phone.app.state.notice],
    [[`https://party.test/p/${CODE}`], t("invite.copied")],
  );
  phone.device.canCopy = false;
  await phone.app.sharing.copy();
  assert.equal(phone.app.state.notice, t("notice.failed"));
  await settled();
});
