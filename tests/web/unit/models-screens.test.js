import assert from "node:assert/strict";
import { test } from "node:test";

import { homeModel, linkModel } from "../../../src/hubbub/web/models/home.js";
import { partyModel } from "../../../src/hubbub/web/models/party.js";
import { recapOf } from "../../../src/hubbub/web/app/party_records.js";
import { durationText, recapModel } from "../../../src/hubbub/web/models/recap.js";
import { wallModel } from "../../../src/hubbub/web/models/wall.js";
import { MESSAGES as GERMAN } from "../../../src/hubbub/web/strings/de.js";
import { translator } from "../../../src/hubbub/web/strings/translator.js";
import { CODE, member } from "./support/phone.js";
import { device, inside, knowing, recap, t } from "./support/shown.js";

const CLOCKS = { now: 0, storeNow: 0 };
const TRACK = { state: "playing", track: "one.mp3", nextTrack: null, position: 0, at: 0 };

function party(client, changes = {}) {
  return partyModel(knowing({ entering: "join", client, ...changes }), device(), CLOCKS, t);
}

function wall(client, changes = {}) {
  return wallModel(knowing({ entering: "watch", client, ...changes }), device(), CLOCKS, t);
}

// ---------------------------------------------------------------- a party from the inside

test("a host has the invitation first, a guest the chat", () => {
  const tabs = (client) => party(client).tabs.map(({ id, chosen }) => (chosen ? `[${id}]` : id));
  assert.deepEqual(tabs(inside({ memberId: "ann" })), ["[invite]", "chat", "people", "music"]);
  assert.deepEqual(tabs(inside()), ["[chat]", "people", "invite"]);
});

test("the chosen tab is shown while the member has it", () => {
  assert.equal(party(inside(), { tab: "people" }).shown, "people");
  assert.equal(party(inside({ memberId: "ann" }), { tab: "music" }).shown, "music");
  assert.equal(party(inside(), { tab: "music" }).shown, "chat");
  assert.equal(party(inside(), { tab: "nothing" }).shown, "chat");
});

test("what is unread is at the chat's tab alone", () => {
  const { tabs } = party(inside(), { tab: "people", unread: 3 });
  assert.deepEqual(
    tabs.map(({ id, unread }) => [id, unread]),
    [
      ["chat", 3],
      ["people", 0],
      ["invite", 0],
    ],
  );
});

test("the head has the host, the spelled code and connection", () => {
  const guest = party(inside());
  assert.deepEqual([guest.heading, guest.codeLabel, guest.count], ["Ann’s party", "Party code B C D F G H", "1 guest"]);
  assert.deepEqual(guest.link, { live: true, label: "Live" });
  assert.equal(party(inside({ memberId: "ann" })).heading, "Your party");
  assert.equal(party(inside({ party: { hostId: "zoe" } })).heading, "Host’s party");
  assert.deepEqual(party(inside({ phase: "reconnecting" })).link, { live: false, label: "Reconnecting" });
});

test("a member without a name sees the default name", () => {
  assert.equal(party(inside()).nameCard, null);
  assert.deepEqual(party(inside(), { askName: true }).nameCard, {
    title: "What should they call you?",
    text: "Right now you are “Ben”.",
  });
  assert.equal(party(inside()).myName, "Ben");
  assert.equal(party(inside({ memberId: "unlisted" }), { name: "Zoe" }).myName, "Zoe");
});

test("a guest has the track in a strip, a host in a tab", () => {
  assert.equal(party(inside()).strip, null);
  assert.equal(party(inside({ party: { playback: TRACK } })).strip.track, "one.mp3");
  assert.equal(party(inside({ memberId: "ann", party: { playback: TRACK } })).strip, null);
});

// ---------------------------------------------------------------- the wall

test("a wall shows who is there, the last six lines and what plays", () => {
  const members = [
    member("ann", "Ann", { isHost: true }),
    member("ben", "Ben", { connected: false }),
    ...Array.from({ length: 40 }, (_, n) => member(`g${n}`, `Guest ${n}`)),
  ];
  const said = Array.from({ length: 9 }, (_, n) => ({
    id: `m${n}`,
    memberId: "ann",
    name: "Ann",
    text: `${n}`,
    at: n,
  }));
  const watcher = { memberId: null, watching: true };
  const model = wall(inside({ ...watcher, party: { members, playback: TRACK, locked: true } }), {
    messages: said,
  });
  assert.equal(model.faces.length, 24);
  assert.ok(model.faces.every((face) => face.connected));
  assert.deepEqual(
    model.lines.map(({ text }) => text),
    ["3", "4", "5", "6", "7", "8"],
  );
  assert.equal(model.quiet, null);
  assert.equal(model.music.track, "one.mp3");
  assert.equal(model.locked, t("wall.locked"));
});

test("a wall of a quiet party says what could be done", () => {
  const model = wall(inside({ memberId: null, watching: true }));
  assert.deepEqual([model.quiet, model.music, model.locked], [t("wall.quiet"), null, null]);
  assert.equal(model.heading, "Ann’s party");
});

// ---------------------------------------------------------------- the start and the link

test("the start offers the way back into the last party", () => {
  const back = (lastSeat) => homeModel(knowing({ path: "/", lastSeat }), t).back;
  assert.equal(back(null), null);
  const seat = { code: CODE, hostName: "Ann", isHost: false };
  assert.deepEqual(back(seat), { code: CODE, title: "Back to BCD FGH", text: "Ann’s party" });
  assert.equal(back({ ...seat, isHost: true }).text, "Your party");
});

test("the start lists stored parties by host and day", () => {
  const { recaps, name } = homeModel(knowing({ path: "/", name: "Ben", recaps: [recap()] }), t);
  assert.equal(name, "Ben");
  assert.deepEqual(recaps, [{ code: CODE, text: "Ann’s party, November 23" }]);
});

test("a link says whose party it is and how many are there", () => {
  const link = (found) => linkModel(knowing({ lookup: { kind: "found", party: found } }), t);
  const found = { hostName: "Ann", guestCount: 2, hostConnected: true };
  const model = link(found);
  assert.deepEqual(
    [model.code, model.title, model.count, model.hostAway],
    [CODE, "Ann’s party", "2 guests are here", null],
  );
  assert.equal(link({ ...found, guestCount: 1 }).count, "1 guest is here");
  assert.equal(link({ ...found, guestCount: 0 }).count, "Be the first guest");
  assert.match(link({ ...found, hostConnected: false }).hostAway, /^Ann has dropped out/);
  assert.equal(link({ ...found, hostName: null }).title, "Host’s party");
});

// ---------------------------------------------------------------- the recap

test("a duration is shown in words", () => {
  const times = [
    [0, "0 seconds"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "1 minute"],
    [89, "1 minute"],
    [90, "2 minutes"],
    [3569, "59 minutes"],
    [3570, "1 h 0 min"],
    [3600, "1 h 0 min"],
    [11_100, "3 h 5 min"],
    [90_000, "25 h 0 min"],
  ];
  for (const [seconds, text] of times) assert.equal(durationText(seconds, t), text);
  assert.equal(durationText(11_100, translator("de", GERMAN)), "3 Std. 5 Min.");
});

test("a recap has the server's figures and the top five emoji", () => {
  const tally = { "🎉": 3, "❤️": 9, "😂": 1, "🔥": 4, "👏": 2, "😮": 5 };
  const over = {
    reason: "party_ended",
    cause: "host_left",
    recap: { seconds: 60, guests: 1, messages: 2, reactions: 24 },
  };
  assert.deepEqual(recapOf(inside(), over, tally, "Ann", 123), {
    code: CODE,
    hostName: "Ann",
    isHost: false,
    cause: "host_left",
    endedAt: 123,
    seconds: 60,
    guests: 1,
    messages: 2,
    reactions: 24,
    top: ["❤️", "😮", "🔥", "🎉", "👏"],
  });
  assert.deepEqual(recapOf(inside(), over, {}, "Ann", 123).top, []);
});

test("a recap says who ended it, in figures that count", () => {
  const model = recapModel(recap({ guests: 1, messages: 1234 }), t);
  assert.equal(model.cause, "Ann has ended it.");
  assert.deepEqual(
    model.figures.map(({ figure, label }) => `${figure} ${label}`),
    ["1 guest came", "1,234 messages", "1 reaction"],
  );
  assert.deepEqual([model.lasted.figure, model.heading, model.day], ["1 h 0 min", "Ann’s party", "November 23"]);
  assert.equal(recapModel(recap({ isHost: true }), t).cause, "You have ended it.");
  assert.equal(recapModel(recap({ isHost: true, cause: "host_timeout" }), t).cause, t("recap.host_timeout"));
});
