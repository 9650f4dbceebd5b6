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

test("where all is well there is no banner", () => {
  assert.equal(bannerModel(inside(), LOST_AT, t), null);
  assert.equal(bannerModel(inside({ lostAt: null, phase: "reconnecting" }), LOST_AT, t), null);
});

test("a loss is shown after two quiet seconds", () => {
  assert.equal(QUIET_MS, 2000);
  for (const reason of [null, "unreachable", "store_unavailable", "recovering", "rate_limited"]) {
    assert.equal(bannerModel(lost(reason), LOST_AT, t), null);
    assert.equal(bannerModel(lost(reason), LOST_AT + 1999, t), null);
    const banner = bannerModel(lost(reason), LOST_AT + 2000, t);
    assert.equal(banner.tone, "warn");
    assert.deepEqual(banner.action, { id: "tryNow", label: "Try now" });
  }
});

test("the banner says what a loss is", () => {
  const text = (client) => bannerModel(client, LOST_AT + 5000, t).text;
  assert.equal(text(lost(null)), t("banner.reconnecting"));
  assert.equal(text(lost("unreachable")), t("banner.reconnecting"));
  assert.equal(text(lost("store_unavailable")), t("banner.store_away"));
  assert.equal(text(lost("recovering")), t("banner.recovering"));
});

test("an offline phone sees it at once, without a retry button", () => {
  const banner = bannerModel(lost("offline"), LOST_AT, t);
  assert.deepEqual(banner, { tone: "warn", text: t("banner.offline"), action: null });
});

test("a party shown after a reload is treated as a loss", () => {
  const client = inside({ phase: "connecting", memberId: null, lostAt: LOST_AT });
  assert.equal(bannerModel(client, LOST_AT + 1000, t), null);
  assert.equal(bannerModel(client, LOST_AT + 2000, t).text, t("banner.reconnecting"));
});

test("a store outage is shown before an absent host", () => {
  const party = { hostConnected: false };
  assert.equal(bannerModel(inside({ party, store: "disconnected" }), 0, t).text, t("banner.store_away"));
  assert.equal(bannerModel(inside({ party, store: "recovering" }), 0, t).text, t("banner.recovering"));
  const banner = bannerModel(inside({ party }), 0, t);
  assert.deepEqual(banner, { tone: "wait", text: t("banner.hostAway", { host: "Ann" }), action: null });
});

test("a host does not see that the host is away", () => {
  assert.equal(bannerModel(inside({ memberId: "ann", party: { hostConnected: false } }), 0, t), null);
});

test("a host without a listed seat is called the host", () => {
  const { text } = bannerModel(inside({ party: { hostId: "zoe", hostConnected: false } }), 0, t);
  assert.equal(text, t("banner.hostAway", { host: "Host" }));
});

// ---------------------------------------------------------------- the chat

test("the chat modes say who may speak and who may react", () => {
  const may = (memberId, chatMode) => {
    const { canSpeak, canReact } = chatModel(inside({ memberId, party: { chatMode } }), [], t);
    return [canSpeak, canReact];
  };
  assert.deepEqual(
    MODES.map((mode) => may("ben", mode)),
    [
      [true, true],
      [false, true],
      [false, false],
    ],
  );
  assert.deepEqual(
    MODES.map((mode) => may("ann", mode)),
    [
      [true, true],
      [true, true],
      [true, true],
    ],
  );
});

test("the field says why nothing can be written", () => {
  const placeholder = (memberId, chatMode) => chatModel(inside({ memberId, party: { chatMode } }), [], t).placeholder;
  assert.equal(placeholder("ben", "OPEN"), "Say something");
  assert.equal(placeholder("ben", "EMOJI_ONLY"), "Only reactions right now");
  assert.equal(placeholder("ben", "LOCKED"), "Only the host speaks right now");
  assert.equal(placeholder("ann", "LOCKED"), "Say something");
});

test("only the host sees the chat modes", () => {
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

test("a chat line marks my own and stays the same object", () => {
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

test("a text's length is its code points, trimmed", () => {
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

test("an invitation has link, address, QR code and wall", () => {
  const model = inviteModel(inside(), LINK, device(), t);
  assert.equal(model.link, LINK);
  assert.equal(model.address, "192.168.1.4:8080");
  assert.equal(model.qr, `/api/party/${CODE}/qr.svg`);
  assert.equal(model.wall, `/p/${CODE}/wall`);
  assert.equal(inviteModel(inside(), null, device(), t).address, "");
});

test("an address is the host, with an unusual port", () => {
  assert.equal(addressOf("https://party.example/p/BCDFGH"), "party.example");
  assert.equal(addressOf("https://party.example:443/p/BCDFGH"), "party.example");
  assert.equal(addressOf("http://[fe80::1]:8080/p/BCDFGH"), "[fe80::1]:8080");
});

test("only the host can lock, everyone sees the lock", () => {
  const guest = inviteModel(inside({ party: { locked: true } }), LINK, device(), t);
  assert.deepEqual([guest.lock, guest.locked], [null, true]);
  const host = inviteModel(inside({ memberId: "ann", party: { locked: true } }), LINK, device(), t);
  assert.deepEqual([host.lock, host.locked], [{ locked: true }, true]);
});

test("plain http shows what the browser withholds", () => {
  const note = (memberId, has) =>
    inviteModel(inside({ memberId }), LINK, device({ isSecure: false, ...has }), t).note;
  const plain = { canShare: false, canCopy: false };
  assert.match(note("ben", plain), /plain http:\/\/.*: sharing, copying the link\.$/);
  assert.match(note("ann", plain), /: keeping the screen on, sharing, copying the link\.$/);
  assert.match(note("ben", { canShare: false }), /: sharing\.$/);
  assert.equal(note("ben", {}), null);
});

test("https shows nothing about missing features", () => {
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

test("a track has its state and position by the store's clock", () => {
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
