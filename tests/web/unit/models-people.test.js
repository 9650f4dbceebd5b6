import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent } from "../../../src/hubbub/web/core/party.js";
import { hueOf, initialOf, peopleModel } from "../../../src/hubbub/web/models/people.js";
import { member, said } from "./support/phone.js";
import { inside, t } from "./support/shown.js";

const HOST = member("ann", "Ann", { isHost: true });

function names(client) {
  return peopleModel(client, t).rows.map(({ name }) => name);
}

test("the host is first, this phone second, then by entry", () => {
  const members = [member("eve", "Eve"), member("cat", "Cat"), HOST, member("dan", "Dan"), member("ben", "Ben")];
  const party = { members, guestCount: 4 };
  assert.deepEqual(names(inside({ party })), ["Ann", "Ben", "Eve", "Cat", "Dan"]);
  assert.deepEqual(names(inside({ party, memberId: "ann" })), ["Ann", "Eve", "Cat", "Dan", "Ben"]);
  assert.deepEqual(names(inside({ party, memberId: null, watching: true })), ["Ann", "Eve", "Cat", "Dan", "Ben"]);
});

test("a row has name, connection and the host's actions", () => {
  const party = { members: [HOST, member("ben", "ben", { connected: false })], guestCount: 0 };
  const [host, me] = peopleModel(inside({ party }), t).rows;
  assert.deepEqual([host.isHost, host.isMe, host.canManage, host.connected], [true, false, false, true]);
  assert.deepEqual([me.isHost, me.isMe, me.canManage, me.connected, me.initial], [false, true, false, false, "B"]);
  const [own, guest] = peopleModel(inside({ party, memberId: "ann" }), t).rows;
  assert.deepEqual([own.isMe, own.canManage], [true, false]);
  assert.deepEqual([guest.isMe, guest.canManage], [false, true]);
});

test("an unchanged row is the same object", () => {
  const client = inside();
  const before = peopleModel(client, t).rows;
  const talked = { ...client, party: applyEvent(client.party, said(6)) };
  assert.deepEqual(
    peopleModel(talked, t).rows.map((row, at) => row === before[at]),
    [true, true],
  );
  const gone = member("ben", "Ben", { connected: false });
  const changed = applyEvent(talked.party, { t: "MEMBER_UPDATED", version: 7, guestCount: 0, member: gone });
  const after = peopleModel({ ...client, party: changed }, t).rows;
  assert.deepEqual(
    after.map((row, at) => row === before[at]),
    [true, false],
  );
  assert.equal(after[1].connected, false);
});

test("a new host sees the others' rows as a host does", () => {
  const party = { members: [HOST, member("ben", "Ben"), member("cat", "Cat")], guestCount: 2 };
  const client = inside({ party });
  peopleModel(client, t);
  const promoted = member("ben", "Ben", { isHost: true });
  const event = { t: "HOST_CHANGED", version: 6, guestCount: 2, hostId: "ben", member: promoted };
  const { rows } = peopleModel({ ...client, party: applyEvent(client.party, event), isHost: true }, t);
  assert.deepEqual(
    rows.map(({ name, isHost, isMe, canManage }) => [name, isHost, isMe, canManage]),
    [
      ["Ben", true, true, false],
      ["Ann", false, false, true],
      ["Cat", false, false, true],
    ],
  );
});

test("guests beyond the list are counted", () => {
  const more = (guestCount, members) => peopleModel(inside({ party: { guestCount, members } }), t).more;
  const listed = [HOST, member("ben", "Ben"), member("cat", "Cat", { connected: false })];
  assert.equal(more(1, listed), null);
  assert.equal(more(2, listed), "and 1 more guest");
  assert.equal(more(1201, listed), "and 1,200 more guests");
  // A count that is a moment behind the list.
  assert.equal(more(0, listed), null);
});

test("the count is of guests, without the host", () => {
  const count = (guestCount) => peopleModel(inside({ party: { guestCount } }), t).count;
  assert.deepEqual([0, 1, 2].map(count), ["0 guests", "1 guest", "2 guests"]);
});

test("a host alone sees the advice to share the code", () => {
  const empty = (party) => peopleModel(inside({ memberId: "ann", party }), t).empty;
  assert.equal(empty({ members: [HOST], guestCount: 0 }), t("people.nobody"));
  assert.equal(empty({ members: [HOST], guestCount: 1 }), null);
  assert.equal(empty({}), null);
});

test("an initial is a name's first sign as people see it", () => {
  const pairs = [
    ["ann", "A"],
    ["écu", "É"],
    ["e\u0301cu", "E\u0301"],
    ["👩‍👩‍👧 family", "👩‍👩‍👧"],
    ["🇩🇪", "🇩🇪"],
    ["", "?"],
  ];
  for (const [name, initial] of pairs) assert.equal(initialOf(name), initial, name);
});

test("a colour is one of six and fixed for an id", () => {
  const hues = Array.from({ length: 600 }, (_, n) => hueOf(`member-${n}`));
  assert.deepEqual([...new Set(hues)].sort(), [1, 2, 3, 4, 5, 6]);
  assert.equal(hueOf("P22q6b9rQ30"), hueOf("P22q6b9rQ30"));
  assert.ok(Number.isInteger(hueOf("")) && Number.isInteger(hueOf("x".repeat(10_000))));
});
