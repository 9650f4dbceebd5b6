import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { applyEvent, follows, partyOf } from "../../../src/hubbub/web/core/party.js";
import { member, room, said } from "./support/phone.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../vectors/apply_event.json", import.meta.url), "utf8"));

for (const { name, event, before, after } of VECTORS) {
  test(`an event does what the vector says: ${name}`, () => {
    const version = (event.from ?? event.version) - 1;
    const party = partyOf({ epoch: "e", version, snapshot: structuredClone(before) });
    assert.equal(follows(party, event), "next");
    const changed = applyEvent(party, structuredClone(event));
    assert.deepEqual(changed, { epoch: "e", version: event.version, ...after });
    assert.deepEqual(party, { epoch: "e", version, ...before });
  });
}

test("an event of an unknown kind advances the version and changes nothing else", () => {
  const party = partyOf(room(5));
  for (const t of ["FIREWORKS", "toString", "__proto__", "constructor"]) {
    const changed = applyEvent(party, { t, version: 6, guestCount: 99 });
    assert.deepEqual(changed, { ...party, version: 6 });
    assert.equal(changed.members, party.members);
    assert.equal(Object.getPrototypeOf(changed), Object.prototype);
  }
});

test("what an event leaves alone stays the same object", () => {
  const party = partyOf(room(5));
  const talked = applyEvent(party, said(6));
  assert.equal(talked.members, party.members);
  assert.equal(talked.playback, party.playback);
  const again = applyEvent(talked, said(7));
  assert.equal(again.messages[0], talked.messages[0]);
  const updated = { t: "MEMBER_UPDATED", version: 8, guestCount: 0, member: member("ben", "Benny") };
  const renamed = applyEvent(again, updated);
  assert.equal(renamed.members[0], party.members[0]);
  assert.notEqual(renamed.members[1], party.members[1]);
  assert.equal(renamed.messages, again.messages);
});

test("a reader cannot change a party", () => {
  const party = applyEvent(partyOf(room(5)), said(6));
  assert.throws(() => party.members.push({}), TypeError);
  assert.throws(() => (party.members[0].name = "Eve"), TypeError);
  assert.throws(() => (party.messages[0].text = ""), TypeError);
  assert.throws(() => (party.playback.state = "playing"), TypeError);
  assert.throws(() => (party.version = 1), TypeError);
});

test("an event is next, old, or has a gap before it; one that stands for several is next where it begins", () => {
  const cases = { next: [[6], [9, 6], [9, 4]], old: [[5], [1], [5, 3]], gap: [[7], [9, 7]] };
  for (const [place, events] of Object.entries(cases)) {
    for (const [version, from] of events) {
      assert.equal(follows(partyOf(room(5)), { t: "GUEST_COUNT", version, from }), place, `${from} to ${version}`);
    }
  }
});
