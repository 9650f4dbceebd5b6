import assert from "node:assert/strict";
import { test } from "node:test";

import { bannerModel, QUIET_MS } from "../../../src/hubbub/web/models/banner.js";
import { MESSAGE_CHARS_MAX } from "../../../src/hubbub/web/core/contract.js";
import { chatModel, messageExcess, MODES, REACTIONS } from "../../../src/hubbub/web/models/chat.js";
import { addressOf, inviteModel } from "../../../src/hubbub/web/models/invite.js";
import { musicModel } from "../../../src/hubbub/web/models/music.js";
import { CODE } from "./support/phone.js";
import { device, inside, t } from "./support/shown.js";

const LOST_AT = 1_700_000_000_000;
const LINK = `http://192.168.1.4:8080/p/${CODE}`;

function lost(reason, changes = {}) {
  const trouble = reason === null ? null : { reason };
  return inside({ phase: "reconnecting", lostAt: LOST_AT, trouble, ...changes });
}

function message(id, memberId = "ann", changes = {}) {
  return Object.freeze({ id, memberId, name: memberId, text: `text of ${id}`, at: 1, ...changes });
}

// ---------------------------------------------------------------- the banner

const TRY_NOW = { id: "tryNow", label: "Try now" };
const AWAY = { hostConnected: false };
const RELOADED = { phase: "connecting", memberId: null, lostAt: LOST_AT };
/** A client, for how many ms it has been so, and its banner: its tone, words, action. */
const BANNERS = [
  ["all is well", inside(), 0, null],
  ["reconnecting without a loss", inside({ lostAt: null, phase: "reconnecting" }), 0, null],
  ...[null, "unreachable", "store_unavailable", "recovering", "rate_limited"].flatMap((reason) => [
    [`a new loss, ${reason}`, lost(reason), 0, null],
    [`a loss that is nearly told, ${reason}`, lost(reason), 1999, null],
  ]),
  ["a loss", lost(null), QUIET_MS, ["warn", t("banner.reconnecting"), TRY_NOW]],
  ["a server out of reach", lost("unreachable"), QUIET_MS, ["warn", t("banner.reconnecting"), TRY_NOW]],
  ["a crowd", lost("rate_limited"), QUIET_MS, ["warn", t("banner.reconnecting"), TRY_NOW]],
  ["a store away", lost("store_unavailable"), QUIET_MS, ["warn", t("banner.store_away"), TRY_NOW]],
  ["a store that recovers", lost("recovering"), QUIET_MS, ["warn", t("banner.recovering"), TRY_NOW]],
  ["no network, told at once: to try would be no use", lost("offline"), 0, ["warn", t("banner.offline"), null]],
  ["a new reload", inside(RELOADED), 1000, null],
  ["a reload", inside(RELOADED), QUIET_MS, ["warn", t("banner.reconnecting"), TRY_NOW]],
  ["the host away", inside({ party: AWAY }), 0, ["wait", t("banner.hostAway", { host: "Ann" }), null]],
  ["the host away, as the host sees it", inside({ memberId: "ann", party: AWAY }), 0, null],
  [
    "a host without a listed seat",
    inside({ party: { hostId: "zoe", ...AWAY } }),
    0,
    ["wait", t("banner.hostAway", { host: "Host" }), null],
  ],
];

for (const [what, client, ms, expected] of BANNERS) {
  test(`the banner: ${what}`, () => {
    const banner = bannerModel(client, LOST_AT + ms, t);
    assert.deepEqual(banner && [banner.tone, banner.text, banner.action], expected);
  });
}

test("a loss is told after two quiet seconds", () => {
  assert.equal(QUIET_MS, 2000);
});

test("what the server says of its store is told before what the host does", () => {
  const text = (store) => bannerModel(inside({ party: AWAY, store }), 0, t).text;
  assert.deepEqual(["disconnected", "recovering"].map(text), [t("banner.store_away"), t("banner.recovering")]);
});

// ---------------------------------------------------------------- the chat

const CHATS = [
  ["ben", "OPEN", true, true, "Say something"],
  ["ben", "EMOJI_ONLY", false, true, "Only reactions right now"],
  ["ben", "LOCKED", false, false, "Only the host speaks right now"],
  ...MODES.map((mode) => ["ann", mode, true, true, "Say something"]),
];

test("the chat modes say who may speak and who may react, and the field says why", () => {
  for (const [memberId, chatMode, ...expected] of CHATS) {
    const { canSpeak, canReact, placeholder } = chatModel(inside({ memberId, party: { chatMode } }), [], t);
    assert.deepEqual([canSpeak, canReact, placeholder], expected, `${memberId}, ${chatMode}`);
  }
});

test("only the host is offered the chat modes, and sees the one there is", () => {
  assert.equal(chatModel(inside(), [], t).modes, null);
  const { modes } = chatModel(inside({ memberId: "ann", party: { chatMode: "EMOJI_ONLY" } }), [], t);
  assert.deepEqual(
    modes.map(({ id, chosen }) => [id, chosen]),
    [
      ["OPEN", false],
      ["EMOJI_ONLY", true],
      ["LOCKED", false],
    ],
  );
});

test("a line of the chat tells mine from others' and stays the same object", () => {
  const messages = [message("m1"), message("m2", "ben")];
  const first = chatModel(inside(), messages, t);
  assert.deepEqual(
    first.lines.map(({ id, isMine }) => [id, isMine]),
    [
      ["m1", false],
      ["m2", true],
    ],
  );
  assert.equal(first.empty, null);
  const again = chatModel(inside(), [...messages, message("m3")], t);
  assert.equal(again.lines[0], first.lines[0]);
  assert.equal(again.lines[1], first.lines[1]);
  const other = chatModel(inside({ memberId: "ann" }), messages, t);
  assert.deepEqual(
    other.lines.map(({ isMine }) => isMine),
    [true, false],
  );
});

test("a chat without a message says so", () => {
  assert.equal(chatModel(inside(), [], t).empty, t("chat.empty"));
});

test("a text is too long by code points, without the spaces around it", () => {
  assert.equal(messageExcess(""), 0);
  assert.equal(messageExcess("x".repeat(MESSAGE_CHARS_MAX)), 0);
  assert.equal(messageExcess("x".repeat(MESSAGE_CHARS_MAX + 3)), 3);
  assert.equal(messageExcess(`  ${"🎉".repeat(MESSAGE_CHARS_MAX)}\n`), 0);
  assert.equal(messageExcess("🎉".repeat(MESSAGE_CHARS_MAX + 1)), 1);
});

test("there are eight different reactions", () => {
  assert.equal(new Set(REACTIONS).size, 8);
});

// ---------------------------------------------------------------- the invitation

test("an invitation has the link, what to type, the QR code and the wall", () => {
  const model = inviteModel(inside(), LINK, device(), t);
  assert.equal(model.link, LINK);
  assert.equal(model.address, "192.168.1.4:8080");
  assert.equal(model.qr, `/api/party/${CODE}/qr.svg`);
  assert.equal(model.wall, `/p/${CODE}/wall`);
  assert.equal(inviteModel(inside(), null, device(), t).address, "");
});

test("an address is the host, with its port where that is not the usual one", () => {
  assert.equal(addressOf("https://party.example/p/BCDFGH"), "party.example");
  assert.equal(addressOf("https://party.example:443/p/BCDFGH"), "party.example");
  assert.equal(addressOf("http://[fe80::1]:8080/p/BCDFGH"), "[fe80::1]:8080");
});

test("only the host can lock the door; everybody sees that it is locked", () => {
  const guest = inviteModel(inside({ party: { locked: true } }), LINK, device(), t);
  assert.deepEqual([guest.lock, guest.locked], [null, true]);
  const host = inviteModel(inside({ memberId: "ann", party: { locked: true } }), LINK, device(), t);
  assert.deepEqual([host.lock, host.locked], [{ locked: true }, true]);
});

test("over plain http the page says what the browser withholds, as far as it matters here", () => {
  const note = (memberId, has) =>
    inviteModel(inside({ memberId }), LINK, device({ isSecure: false, ...has }), t).note;
  const plain = { canShare: false, canCopy: false };
  assert.match(note("ben", plain), /plain http:\/\/.*: sharing, copying the link\.$/);
  assert.match(note("ann", plain), /: keeping the screen on, sharing, copying the link\.$/);
  assert.match(note("ben", { canShare: false }), /: sharing\.$/);
  assert.equal(note("ben", {}), null);
});

test("over https nothing is said of what is lacking: it is the browser's own choice", () => {
  assert.equal(inviteModel(inside(), LINK, device({ canShare: false, canCopy: false }), t).note, null);
});

// ---------------------------------------------------------------- the music

test("without a track nothing plays", () => {
  const model = musicModel(inside(), 0, t);
  assert.deepEqual(
    [model.track, model.hasTrack, model.playing, model.status, model.clock, model.next],
    ["Nothing is playing", false, false, "", "", null],
  );
});

test("a track has its state and where it stands by the store's clock", () => {
  const playing = { state: "playing", track: "one.mp3", nextTrack: "two.mp3", position: 60, at: 1000 };
  const music = (changes) => musicModel(inside({ party: { playback: { ...playing, ...changes } } }), 8999, t);
  const { track, status, clock, next } = music({});
  assert.deepEqual([track, status, clock, next], ["one.mp3", "Playing", "1:07", "two.mp3"]);
  assert.deepEqual([music({ state: "paused" }).status, music({ state: "paused" }).clock], ["Paused", "1:00"]);
  assert.deepEqual([music({ state: "stopped" }).status, music({ state: "stopped" }).playing], ["Ready", false]);
});

test("only the host has a hand on the music", () => {
  assert.equal(musicModel(inside(), 0, t).canControl, false);
  assert.equal(musicModel(inside({ memberId: "ann" }), 0, t).canControl, true);
});
