import assert from "node:assert/strict";
import { test } from "node:test";

import { Memory } from "../../../src/hubbub/web/app/memory.js";
import { FakeStorage } from "./support/fake-page.js";
import { recap } from "./support/shown.js";

const MINUTE = 60_000;

/** A memory, what it is kept in, and a clock that stands where `time` says. */
function setUp() {
  const page = { local: new FakeStorage(), session: new FakeStorage(), time: 1_700_000_000_000 };
  page.open = () =>
    new Memory(
      () => page.local,
      () => page.session,
      () => page.time,
    );
  page.memory = page.open();
  return page;
}

/** Memories whose browser refuses storage in one way or another. */
const REFUSALS = {
  "there is no storage": () => [() => null, () => undefined],
  "asking for storage throws": () => [thrower, thrower],
  "storage throws whatever one does": () => {
    const storage = new FakeStorage();
    storage.isBroken = true;
    return [() => storage, () => storage];
  },
  "storage is full": () => {
    const storage = new FakeStorage();
    storage.isFull = true;
    return [() => storage, () => storage];
  },
};

function thrower() {
  throw new Error("SecurityError");
}

test("what is remembered is there after a reload", () => {
  const page = setUp();
  page.memory.name = "Ben";
  page.memory.keepSeat("AAAAA1", { token: "t1", entered: true, hostName: "Ann" });
  page.memory.keepRecap(recap());
  page.memory.keepParty("AAAAA1", { party: { epoch: "e" }, messages: [{ id: "m" }] });
  const again = page.open();
  assert.equal(again.lasts, true);
  assert.equal(again.name, "Ben");
  assert.deepEqual(again.seatOf("AAAAA1"), {
    code: "AAAAA1",
    token: "t1",
    hostName: "Ann",
    isHost: false,
    entered: true,
    out: false,
    at: page.time,
  });
  assert.deepEqual(again.recaps, [recap()]);
  assert.deepEqual(again.partyOf("AAAAA1"), { party: { epoch: "e" }, messages: [{ id: "m" }] });
});

test("a memory that is new knows nothing", () => {
  const { memory } = setUp();
  assert.deepEqual([memory.name, memory.seatOf("AAAAA1"), memory.lastSeat], ["", null, null]);
  assert.deepEqual([memory.recaps, memory.recapOf("AAAAA1"), memory.partyOf("AAAAA1")], [[], null, null]);
  assert.equal(memory.lasts, true);
});

for (const [what, storages] of Object.entries(REFUSALS)) {
  test(`where ${what}, it remembers as long as the page is there, and says so`, () => {
    const [local, session] = storages();
    const memory = new Memory(local, session, () => 0);
    assert.equal(memory.lasts, false);
    memory.name = "Ben";
    memory.keepSeat("AAAAA1", { token: "t1", entered: true });
    memory.keepRecap(recap());
    memory.keepParty("AAAAA1", { party: {}, messages: [] });
    assert.equal(memory.name, "Ben");
    assert.equal(memory.lastSeat.token, "t1");
    assert.equal(memory.recaps.length, 1);
    assert.deepEqual(memory.partyOf("AAAAA1"), { party: {}, messages: [] });
    assert.equal(
      memory.createToken(() => "one"),
      "one",
    );
    assert.equal(
      memory.createToken(() => "two"),
      "one",
    );
    memory.forgetCreateToken();
    memory.forgetSeat("AAAAA1");
    assert.equal(
      memory.createToken(() => "two"),
      "two",
    );
    assert.deepEqual([memory.lastSeat, memory.partyOf("AAAAA1")], [null, null]);
  });
}

test("a storage that is full is still read", () => {
  const page = setUp();
  page.memory.name = "Ben";
  page.memory.keepSeat("AAAAA1", { token: "t1", entered: true });
  page.local.isFull = true;
  const again = page.open();
  assert.equal(again.lasts, false);
  assert.equal(again.name, "Ben");
  assert.equal(again.lastSeat.token, "t1");
  again.forgetSeat("AAAAA1");
  assert.equal(again.lastSeat, null);
});

test("a storage that fills up while the page is open keeps what it had, and says that no more lasts", () => {
  const page = setUp();
  page.memory.name = "Ben";
  page.local.isFull = true;
  page.memory.name = "Benny";
  assert.equal(page.memory.name, "Benny");
  assert.equal(page.memory.lasts, false);
  page.local.isFull = false;
  page.memory.name = "Benno";
  assert.equal(page.memory.name, "Benno");
  assert.equal(page.memory.lasts, true);
  assert.equal(page.local.told("name"), "Benno");
});

test("a storage that breaks while the page is open disturbs nothing", () => {
  const page = setUp();
  page.memory.keepSeat("AAAAA1", { token: "t1", entered: true });
  page.local.isBroken = true;
  page.session.isBroken = true;
  page.memory.name = "Ben";
  page.memory.keepSeat("AAAAA2", { token: "t2", entered: true });
  assert.equal(page.memory.name, "Ben");
  assert.equal(page.memory.seatOf("AAAAA2").token, "t2");
  page.memory.forgetSeat("AAAAA2");
  page.memory.forgetCreateToken();
  assert.equal(page.memory.seatOf("AAAAA2"), null);
});

test("what somebody else wrote there is as if nothing were there", () => {
  const garbage = [
    "",
    "{",
    "null",
    "7",
    '"text"',
    "[]",
    "{}",
    "[null]",
    '[7, "x", {}, [null]]',
    '[{"code": 5}]',
    "true",
  ];
  for (const text of garbage) {
    const page = setUp();
    for (const key of ["seats", "recaps", "create"]) page.local.scribble(key, text);
    page.local.scribble("name", text === '"text"' ? "7" : text);
    page.session.scribble("party.AAAAA1", text);
    const { memory } = page;
    assert.deepEqual(
      [memory.name, memory.lastSeat, memory.seatOf("AAAAA1"), memory.recaps],
      ["", null, null, []],
      text,
    );
    assert.deepEqual([memory.partyOf("AAAAA1"), memory.recapOf("AAAAA1")], [null, null], text);
    assert.equal(
      memory.createToken(() => "new"),
      "new",
      text,
    );
    memory.keepSeat("AAAAA1", { token: "t1", entered: true });
    memory.keepRecap(recap());
    assert.deepEqual([memory.lastSeat.token, memory.recaps.length], ["t1", 1], text);
    memory.forgetSeat("AAAAA1");
    assert.equal(memory.lastSeat, null);
  }
});

test("what is whole among garbage is kept", () => {
  const page = setUp();
  page.local.scribble("seats", JSON.stringify([null, { code: "AAAAA1", token: "t1", entered: true }, "x"]));
  const broken = [{ code: "AAAAA2" }, { ...recap(), endedAt: "yesterday" }, { ...recap(), top: null }];
  page.local.scribble("recaps", JSON.stringify([...broken, recap()]));
  assert.equal(page.memory.lastSeat.token, "t1");
  assert.deepEqual(page.memory.recaps, [recap()]);
});

test("the seat that was used last is the last one", () => {
  const { memory } = setUp();
  memory.keepSeat("AAAAA1", { token: "t1", entered: true });
  memory.keepSeat("AAAAA2", { token: "t2", entered: true });
  assert.equal(memory.lastSeat.code, "AAAAA2");
  memory.keepSeat("AAAAA1", { isHost: true });
  assert.deepEqual([memory.lastSeat.code, memory.lastSeat.token], ["AAAAA1", "t1"]);
  memory.forgetSeat("AAAAA1");
  assert.equal(memory.lastSeat.code, "AAAAA2");
});

test("a seat that was never entered, or from which this phone was removed, is no way back", () => {
  const { memory } = setUp();
  memory.keepSeat("AAAAA1", { token: "t1" });
  assert.equal(memory.lastSeat, null);
  memory.keepSeat("AAAAA1", { entered: true });
  memory.keepSeat("AAAAA1", { out: true });
  assert.equal(memory.lastSeat, null);
  assert.equal(memory.seatOf("AAAAA1").token, "t1");
});

test("twelve seats and five recaps are kept, the newest", () => {
  const { memory } = setUp();
  const codes = Array.from({ length: 30 }, (_, n) => `AAAA${String(n).padStart(2, "0")}`);
  for (const code of codes) {
    memory.keepSeat(code, { token: code, entered: true });
    memory.keepRecap(recap({ code }));
  }
  assert.deepEqual(
    codes.filter((code) => memory.seatOf(code) !== null),
    codes.slice(-12),
  );
  assert.deepEqual(
    memory.recaps.map(({ code }) => code),
    codes.slice(-5).reverse(),
  );
});

test("a recap takes the place of an earlier one of the same party", () => {
  const { memory } = setUp();
  memory.keepRecap(recap({ guests: 1 }));
  memory.keepRecap(recap({ code: "AAAAA1" }));
  memory.keepRecap(recap({ guests: 2 }));
  assert.deepEqual(
    memory.recaps.map(({ code, guests }) => [code, guests]),
    [
      [recap().code, 2],
      ["AAAAA1", 12],
    ],
  );
});

test("a forgotten seat takes the party on the screen with it, and no other", () => {
  const { memory } = setUp();
  for (const code of ["AAAAA1", "AAAAA2"]) {
    memory.keepSeat(code, { token: code });
    memory.keepParty(code, { party: {}, messages: [] });
  }
  memory.forgetSeat("AAAAA1");
  assert.deepEqual([memory.partyOf("AAAAA1"), memory.seatOf("AAAAA1")], [null, null]);
  assert.ok(memory.partyOf("AAAAA2") !== null && memory.seatOf("AAAAA2") !== null);
});

test("a repeat within nine minutes creates with the same token, a reload or not; later with a new", () => {
  const page = setUp();
  let made = 0;
  const newToken = () => `token-${(made += 1)}`;
  assert.equal(page.memory.createToken(newToken), "token-1");
  page.time += 9 * MINUTE - 1;
  assert.equal(page.open().createToken(newToken), "token-1");
  page.time += 1;
  assert.equal(page.open().createToken(newToken), "token-2");
  assert.equal(page.memory.createToken(newToken), "token-2");
  page.memory.forgetCreateToken();
  assert.equal(page.memory.createToken(newToken), "token-3");
});

test("a clock that was set back does not keep a token of a party long gone", () => {
  const page = setUp();
  page.memory.createToken(() => "old");
  page.time -= 1000;
  assert.equal(
    page.memory.createToken(() => "new"),
    "old",
  );
  page.time -= 60 * MINUTE;
  assert.equal(
    page.memory.createToken(() => "new"),
    "new",
  );
});
