import assert from "node:assert/strict";
import { test } from "node:test";

import { BrowserStorage } from "../../../src/hubbub/web/app/storage.js";
import { FakeStorage } from "./support/fake-page.js";
import { recap } from "./support/shown.js";

const MINUTE = 60_000;

/** A memory, what it is kept in, and a clock that stands where `time` says. */
function setUp() {
  const page = { local: new FakeStorage(), session: new FakeStorage(), time: 1_700_000_000_000 };
  page.open = () =>
    new BrowserStorage(
      () => page.local,
      () => page.session,
      () => page.time,
    );
  page.storage = page.open();
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
  page.storage.name = "Ben";
  page.storage.keepSeat("AAAAA1", { token: "t1", entered: true, hostName: "Ann" });
  page.storage.keepRecap(recap());
  page.storage.keepParty("AAAAA1", { party: { epoch: "e" }, messages: [{ id: "m" }] });
  const again = page.open();
  assert.equal(again.isPersistent, true);
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

for (const [what, storages] of Object.entries(REFUSALS)) {
  test(`where ${what}, it remembers as long as the page is there, and says so`, () => {
    const [local, session] = storages();
    const storage = new BrowserStorage(local, session, () => 0);
    assert.equal(storage.isPersistent, false);
    storage.name = "Ben";
    storage.keepSeat("AAAAA1", { token: "t1", entered: true });
    storage.keepRecap(recap());
    storage.keepParty("AAAAA1", { party: {}, messages: [] });
    assert.equal(storage.name, "Ben");
    assert.equal(storage.lastSeat.token, "t1");
    assert.equal(storage.recaps.length, 1);
    assert.deepEqual(storage.partyOf("AAAAA1"), { party: {}, messages: [] });
    assert.equal(
      storage.createToken(() => "one"),
      "one",
    );
    assert.equal(
      storage.createToken(() => "two"),
      "one",
    );
    storage.forgetCreateToken();
    storage.forgetSeat("AAAAA1");
    assert.equal(
      storage.createToken(() => "two"),
      "two",
    );
    assert.deepEqual([storage.lastSeat, storage.partyOf("AAAAA1")], [null, null]);
  });
}

test("a storage that is full is still read", () => {
  const page = setUp();
  page.storage.name = "Ben";
  page.storage.keepSeat("AAAAA1", { token: "t1", entered: true });
  page.local.isFull = true;
  const again = page.open();
  assert.equal(again.isPersistent, false);
  assert.equal(again.name, "Ben");
  assert.equal(again.lastSeat.token, "t1");
  again.forgetSeat("AAAAA1");
  assert.equal(again.lastSeat, null);
});

test("a full storage stays as it was, and says so", () => {
  const page = setUp();
  page.storage.name = "Ben";
  page.local.isFull = true;
  page.storage.name = "Benny";
  assert.equal(page.storage.name, "Benny");
  assert.equal(page.storage.isPersistent, false);
  page.local.isFull = false;
  page.storage.name = "Benno";
  assert.equal(page.storage.name, "Benno");
  assert.equal(page.storage.isPersistent, true);
  assert.equal(page.local.told("name"), "Benno");
});

test("a storage that breaks later disturbs nothing", () => {
  const page = setUp();
  page.storage.keepSeat("AAAAA1", { token: "t1", entered: true });
  page.local.isBroken = true;
  page.session.isBroken = true;
  page.storage.name = "Ben";
  page.storage.keepSeat("AAAAA2", { token: "t2", entered: true });
  assert.equal(page.storage.name, "Ben");
  assert.equal(page.storage.seatOf("AAAAA2").token, "t2");
  page.storage.forgetSeat("AAAAA2");
  page.storage.forgetCreateToken();
  assert.equal(page.storage.seatOf("AAAAA2"), null);
});

test("foreign data in storage counts as no data", () => {
  const garbage = [
    undefined, // a memory that is new
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
    if (text !== undefined) {
      for (const key of ["seats", "recaps", "create"]) page.local.scribble(key, text);
      page.local.scribble("name", text === '"text"' ? "7" : text);
      page.session.scribble("party.AAAAA1", text);
    }
    const { storage } = page;
    assert.deepEqual(
      [storage.name, storage.lastSeat, storage.seatOf("AAAAA1"), storage.recaps],
      ["", null, null, []],
      text,
    );
    assert.deepEqual([storage.partyOf("AAAAA1"), storage.recapOf("AAAAA1")], [null, null], text);
    assert.equal(
      storage.createToken(() => "new"),
      "new",
      text,
    );
    storage.keepSeat("AAAAA1", { token: "t1", entered: true });
    storage.keepRecap(recap());
    assert.deepEqual([storage.lastSeat.token, storage.recaps.length], ["t1", 1], text);
    storage.forgetSeat("AAAAA1");
    assert.equal(storage.lastSeat, null);
  }
});

test("what is whole among garbage is kept", () => {
  const page = setUp();
  page.local.scribble("seats", JSON.stringify([null, { code: "AAAAA1", token: "t1", entered: true }, "x"]));
  const broken = [{ code: "AAAAA2" }, { ...recap(), endedAt: "yesterday" }, { ...recap(), top: null }];
  page.local.scribble("recaps", JSON.stringify([...broken, recap()]));
  assert.equal(page.storage.lastSeat.token, "t1");
  assert.deepEqual(page.storage.recaps, [recap()]);
});

test("the seat that was used last is the last one", () => {
  const { storage } = setUp();
  storage.keepSeat("AAAAA1", { token: "t1", entered: true });
  storage.keepSeat("AAAAA2", { token: "t2", entered: true });
  assert.equal(storage.lastSeat.code, "AAAAA2");
  storage.keepSeat("AAAAA1", { isHost: true });
  assert.deepEqual([storage.lastSeat.code, storage.lastSeat.token], ["AAAAA1", "t1"]);
  storage.forgetSeat("AAAAA1");
  assert.equal(storage.lastSeat.code, "AAAAA2");
});

test("an unentered or kicked seat is not offered", () => {
  const { storage } = setUp();
  storage.keepSeat("AAAAA1", { token: "t1" });
  assert.equal(storage.lastSeat, null);
  storage.keepSeat("AAAAA1", { entered: true });
  storage.keepSeat("AAAAA1", { out: true });
  assert.equal(storage.lastSeat, null);
  assert.equal(storage.seatOf("AAAAA1").token, "t1");
});

test("twelve seats and five recaps are kept, the newest", () => {
  const { storage } = setUp();
  const codes = Array.from({ length: 30 }, (_, n) => `AAAA${String(n).padStart(2, "0")}`);
  for (const code of codes) {
    storage.keepSeat(code, { token: code, entered: true });
    storage.keepRecap(recap({ code }));
  }
  assert.deepEqual(
    codes.filter((code) => storage.seatOf(code) !== null),
    codes.slice(-12),
  );
  assert.deepEqual(
    storage.recaps.map(({ code }) => code),
    codes.slice(-5).reverse(),
  );
});

test("a recap takes the place of an earlier one of the same party", () => {
  const { storage } = setUp();
  storage.keepRecap(recap({ guests: 1 }));
  storage.keepRecap(recap({ code: "AAAAA1" }));
  storage.keepRecap(recap({ guests: 2 }));
  assert.deepEqual(
    storage.recaps.map(({ code, guests }) => [code, guests]),
    [
      [recap().code, 2],
      ["AAAAA1", 12],
    ],
  );
});

test("a forgotten seat drops its stored party and no other", () => {
  const { storage } = setUp();
  for (const code of ["AAAAA1", "AAAAA2"]) {
    storage.keepSeat(code, { token: code });
    storage.keepParty(code, { party: {}, messages: [] });
  }
  storage.forgetSeat("AAAAA1");
  assert.deepEqual([storage.partyOf("AAAAA1"), storage.seatOf("AAAAA1")], [null, null]);
  assert.ok(storage.partyOf("AAAAA2") !== null && storage.seatOf("AAAAA2") !== null);
});

test("a create within nine minutes has the same token", () => {
  const page = setUp();
  let made = 0;
  const newToken = () => `token-${(made += 1)}`;
  assert.equal(page.storage.createToken(newToken), "token-1");
  page.time += 9 * MINUTE - 1;
  assert.equal(page.open().createToken(newToken), "token-1");
  page.time += 1;
  assert.equal(page.open().createToken(newToken), "token-2");
  assert.equal(page.storage.createToken(newToken), "token-2");
  page.storage.forgetCreateToken();
  assert.equal(page.storage.createToken(newToken), "token-3");
});

test("a clock set back does not extend an old token", () => {
  const page = setUp();
  page.storage.createToken(() => "old");
  page.time -= 1000;
  assert.equal(
    page.storage.createToken(() => "new"),
    "old",
  );
  page.time -= 60 * MINUTE;
  assert.equal(
    page.storage.createToken(() => "new"),
    "new",
  );
});
