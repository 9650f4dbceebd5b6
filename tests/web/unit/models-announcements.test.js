import assert from "node:assert/strict";
import { test } from "node:test";

import { announcementText } from "../../../src/hubbub/web/models/announcements.js";
import { member } from "./support/phone.js";
import { t } from "./support/shown.js";

const joined = (name, id = name) => ({ t: "MEMBER_JOINED", member: member(id, name) });
const left = (name) => ({ t: "MEMBER_LEFT", memberId: name, name });
const said = (name, text) => ({ t: "MESSAGE", memberId: name, name, text });

const host = (id, name) => ({ t: "HOST_CHANGED", hostId: id, member: member(id, name, { isHost: true }) });
const crowd = Array.from({ length: 40 }, (_, n) => joined(`G${n}`));
const HEARD = [
  ["nothing that happened is nothing to say", [], ""],
  ["nor what has no words", [{ t: "GUEST_COUNT", guestCount: 3 }, { t: "PLAY" }, { t: "FIREWORKS" }], ""],
  ["one who comes", [joined("Ann")], "Ann joined"],
  ["many who come are one sentence", crowd, "G0 and 39 more joined"],
  ["one who goes", [left("Ann")], "Ann left"],
  ["many who go are one sentence", [left("Ann"), left("Ben"), left("Cat")], "Ann and 2 more left"],
  ["one message", [said("Ann", "hello")], "Ann: hello"],
  ["of two messages the last", [said("Ann", "one"), said("Ben", "two")], "Ben: two, and 1 more message"],
  ["of many messages the last", [said("A", "1"), said("B", "2"), said("C", "3")], "C: 3, and 2 more messages"],
  ["what one does oneself is not told", [joined("Me", "me"), said("me", "hello"), left("me")], ""],
  [
    "all that happened in a moment is one announcement",
    [said("Ann", "hi"), joined("Ben"), { t: "LOCK_SET", locked: true }],
    "Ben joined. Ann: hi. The door is locked now",
  ],
  // What concerns everybody is announced to its author too.
  ["another host", [host("cat", "Cat")], "Cat is the host now"],
  ["oneself as the host", [host("me", "Me")], "You are the host now"],
  ["an open door", [{ t: "LOCK_SET", locked: false }], "The door is open again"],
  ["a track", [{ t: "TRACK_SELECTED", filename: "one.mp3" }], "Now playing: one.mp3"],
  ["the next track", [{ t: "TRACK_CHANGED", filename: "two.mp3" }], "Now playing: two.mp3"],
];

for (const [what, events, text] of HEARD) {
  test(`what is heard: ${what}`, () => {
    assert.equal(announcementText(events, "me", t), text);
  });
}
