import assert from "node:assert/strict";
import { test } from "node:test";

import { announcementText } from "../../../src/hubbub/web/models/announcements.js";
import { member } from "./support/phone.js";
import { t } from "./support/shown.js";

const joined = (name, id = name) => ({ t: "MEMBER_JOINED", member: member(id, name) });
const left = (name) => ({ t: "MEMBER_LEFT", memberId: name, name });
const said = (name, text) => ({ t: "MESSAGE", memberId: name, name, text });

function heard(...events) {
  return announcementText(events, "me", t);
}

test("nothing that happened is nothing to say", () => {
  assert.equal(heard(), "");
  assert.equal(heard({ t: "GUEST_COUNT", guestCount: 3 }, { t: "PLAY" }, { t: "FIREWORKS" }), "");
});

test("many who come are one sentence", () => {
  assert.equal(heard(joined("Ann")), "Ann joined");
  assert.equal(heard(joined("Ann"), joined("Ben")), "Ann and 1 more joined");
  assert.equal(heard(...Array.from({ length: 40 }, (_, n) => joined(`G${n}`))), "G0 and 39 more joined");
});

test("many who go are one sentence", () => {
  assert.equal(heard(left("Ann")), "Ann left");
  assert.equal(heard(left("Ann"), left("Ben"), left("Cat")), "Ann and 2 more left");
});

test("of many messages the last one is read out", () => {
  assert.equal(heard(said("Ann", "hello")), "Ann: hello");
  assert.equal(heard(said("Ann", "one"), said("Ben", "two")), "Ben: two, and 1 more message");
  assert.equal(heard(said("A", "1"), said("B", "2"), said("C", "3")), "C: 3, and 2 more messages");
});

test("one's own actions are not announced", () => {
  assert.equal(heard(joined("Me", "me"), said("me", "hello"), left("me")), "");
});

test("all that happened in a moment is one announcement", () => {
  assert.equal(
    heard(said("Ann", "hi"), joined("Ben"), { t: "LOCK_SET", locked: true }),
    "Ben joined. Ann: hi. The door is locked now",
  );
});

test("events of the whole party are announced to their author", () => {
  const host = (id, name) => ({ t: "HOST_CHANGED", hostId: id, member: member(id, name, { isHost: true }) });
  assert.equal(heard(host("cat", "Cat")), "Cat is the host now");
  assert.equal(heard(host("me", "Me")), "You are the host now");
  assert.equal(heard({ t: "LOCK_SET", locked: false }), "The door is open again");
  assert.equal(heard({ t: "TRACK_SELECTED", filename: "one.mp3" }), "Now playing: one.mp3");
  assert.equal(heard({ t: "TRACK_CHANGED", filename: "two.mp3" }), "Now playing: two.mp3");
});
