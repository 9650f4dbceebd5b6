import assert from "node:assert/strict";
import { test } from "node:test";

import { AppPhone, settled } from "./support/app-phone.js";
import { FakeStorage } from "./support/fake-page.js";
import { CODE, EPOCH, member, room } from "./support/phone.js";

const FOUND = {
  kind: "found",
  party: { locked: false, full: false, hostName: "Ann", guestCount: 1, hostConnected: true },
};

// ---------------------------------------------------------------- starting a party

test("a party that is started gets its address, and a seat that outlives the page", async () => {
  const phone = new AppPhone();
  assert.equal(phone.screen, "home");
  phone.app.start("  Ann ");
  assert.equal(phone.screen, "door:starting");
  phone.accept();
  const { name, token } = phone.socket.last("CREATE");
  assert.equal(name, "Ann");
  await phone.found();
  assert.equal(phone.screen, "party");
  assert.deepEqual(phone.router.places, [`/p/${CODE}`]);
  const seat = phone.local.told("seats")[0];
  assert.deepEqual([seat.code, seat.token, seat.isHost, seat.entered, seat.hostName], [CODE, token, true, true, "Ann"]);
  assert.equal(phone.local.told("create"), null);
  assert.equal(phone.local.told("name"), "Ann");
  assert.equal(phone.app.state.joinLink, `https://party.test/p/${CODE}`);
  assert.equal(phone.told.entries, 1);
});

test("a start cancelled or reloaded before its answer is the same party", async () => {
  const phone = new AppPhone();
  phone.app.start("Ann");
  phone.accept();
  const { token } = phone.socket.last("CREATE");
  const first = phone.socket;
  phone.app.chooseStatusAction("cancel");
  await settled();
  assert.equal(phone.screen, "home");
  assert.notEqual(first.closedWith, null);
  phone.app.start("Ann");
  phone.accept();
  assert.equal(phone.socket.last("CREATE").token, token);
  const again = phone.reloaded();
  again.app.start("Ann");
  again.accept();
  assert.equal(again.socket.last("CREATE").token, token);
  await again.found();
  assert.equal(again.screen, "party");
});

test("a start that is refused for good begins with a new token the next time", async () => {
  const phone = new AppPhone();
  phone.app.start("Ann");
  phone.accept();
  const { token } = phone.socket.last("CREATE");
  phone.refuse("token_invalid", { type: "CREATE" });
  await settled();
  assert.equal(phone.screen, "door:refused");
  phone.app.chooseStatusAction("again");
  assert.equal(phone.screen, "door:starting");
  phone.accept();
  assert.notEqual(phone.socket.last("CREATE").token, token);
});

test("a start waits as long as the store is away, and trying again is trying now", async () => {
  const phone = new AppPhone();
  phone.app.start("Ann");
  phone.accept();
  const { token } = phone.socket.last("CREATE");
  phone.refuse("store_unavailable", { type: "CREATE", retryable: true });
  assert.equal(phone.screen, "door:store_away");
  phone.app.chooseStatusAction("again");
  phone.platform.advance(0);
  phone.accept();
  assert.equal(phone.socket.last("CREATE").token, token);
  await phone.found();
  assert.equal(phone.screen, "party");
});

test("a guest who left can start a party with its own address", async () => {
  const phone = await AppPhone.visiting();
  phone.app.leave();
  phone.socket.deliver({ t: "OK", requestId: phone.socket.last("LEAVE").requestId });
  await settled();
  assert.equal(phone.screen, "home");
  phone.app.start("Ben");
  phone.accept();
  await phone.found({ code: "XYZ789" });
  assert.equal(phone.screen, "party");
  assert.deepEqual([phone.router.address, phone.app.state.route.code], ["/p/XYZ789", "XYZ789"]);
});

test("a party that is started where a recap is gone comes on the screen", async () => {
  const phone = new AppPhone({ address: "/#recap/XYZ789" });
  assert.equal(phone.screen, "home");
  phone.app.start("Ann");
  phone.accept();
  await phone.found();
  assert.deepEqual([phone.screen, phone.router.address], ["party", `/p/${CODE}`]);
});

// ---------------------------------------------------------------- by a code or a link

test("a typed code goes in at once, and asks for a name inside", async () => {
  const phone = new AppPhone();
  phone.app.enterCode(CODE, "bcd-fgh", " ");
  assert.deepEqual([phone.screen, phone.router.address], ["door:connecting", `/p/${CODE}`]);
  phone.accept();
  const { code, name } = phone.socket.last("JOIN");
  assert.deepEqual([code, name], [CODE, undefined]);
  await phone.seat();
  assert.deepEqual([phone.screen, phone.app.state.askName], ["party", true]);
});

test("a typed code of no party says what was typed", async () => {
  const phone = new AppPhone();
  phone.app.enterCode(CODE, "bcd-fgh", "Ben");
  phone.accept();
  phone.refuse("party_not_found");
  await settled();
  assert.equal(phone.screen, "door:not_found");
  assert.equal(phone.app.state.route.typed, "bcd-fgh");
  assert.deepEqual([phone.storage.seatOf(CODE), phone.app.state.lastSeat], [null, null]);
});

test("a link shows whose party it is before it takes anybody in", async () => {
  const phone = new AppPhone({ address: `/p/${CODE}` });
  assert.equal(phone.screen, "door:looking");
  assert.equal(phone.platform.sockets.length, 0);
  await phone.look(FOUND);
  assert.equal(phone.screen, "link");
  phone.app.join("Ben");
  assert.equal(phone.screen, "door:connecting");
  phone.accept();
  assert.equal(phone.socket.last("JOIN").name, "Ben");
  await phone.seat();
  assert.deepEqual([phone.screen, phone.app.state.askName], ["party", false]);
  phone.platform.advance(60_000);
  assert.equal(phone.lookups.length, 1, "it is not looked at from outside any more");
});

test("a link says truly what it cannot show", async () => {
  const phone = new AppPhone({ address: `/p/${CODE}` });
  await phone.look({ kind: "unreachable", reason: "unreachable" });
  assert.equal(phone.screen, "door:unreachable");
  phone.platform.advance(2000);
  await phone.look({ kind: "unreachable", reason: "store_unavailable" });
  assert.equal(phone.screen, "door:store_away");
  phone.platform.advance(2000);
  await phone.look({ kind: "absent" });
  assert.equal(phone.screen, "door:not_found");
  phone.app.chooseStatusAction("again");
  assert.equal(phone.screen, "door:looking");
  await phone.look({ ...FOUND, party: { ...FOUND.party, full: true } });
  assert.equal(phone.screen, "door:full");
  phone.app.chooseStatusAction("again");
  await phone.look(FOUND);
  assert.equal(phone.screen, "link");
});

test("a page that is reloaded while it joins asks for the same seat", async () => {
  const phone = new AppPhone();
  phone.app.enterCode(CODE, CODE, "Ben");
  phone.accept();
  const { token } = phone.socket.last("JOIN");
  const again = phone.reloaded();
  again.accept();
  assert.equal(again.socket.last("JOIN").token, token);
});

test("a seat whose storage was wiped while it was asked for is kept all the same", async () => {
  const phone = new AppPhone();
  phone.app.enterCode(CODE, CODE, "Ben");
  phone.local.kept.clear();
  phone.accept();
  const { token } = phone.socket.last("JOIN");
  await phone.seat();
  assert.equal(phone.storage.lastSeat.token, token);
});

test("without storage a member is asked to stay", async () => {
  const local = new FakeStorage();
  local.isBroken = true;
  const phone = await AppPhone.visiting({ local });
  assert.match(phone.app.state.notice, /^This browser keeps nothing/);
  phone.platform.advance(60_000);
  assert.equal(phone.app.state.notice, null);
});

// ---------------------------------------------------------------- the wall, and odd addresses

test("a wall watches: it takes no seat and keeps nothing but the screen on", async () => {
  const phone = new AppPhone({ address: `/p/${CODE}/wall` });
  assert.equal(phone.screen, "door:opening");
  phone.accept();
  const { requestId } = phone.socket.last("WATCH");
  phone.socket.deliver({ t: "WATCHING", code: CODE, epoch: EPOCH, version: 5, requestId }, room(5));
  await settled();
  assert.equal(phone.screen, "wall");
  assert.equal(phone.device.isAwake, true);
  phone.app.pause();
  await phone.happens({ t: "MEMBER_JOINED", version: 6, guestCount: 2, member: member("cat", "Cat") });
  assert.deepEqual([phone.local.told("seats"), phone.session.kept.size, phone.app.state.askName], [null, 0, false]);
});

test("a wall that may not open now asks again by itself", async () => {
  const phone = new AppPhone({ address: `/p/${CODE}/wall` });
  phone.accept();
  phone.refuse("party_locked", { type: "WATCH" });
  await settled();
  assert.equal(phone.screen, "door:locked");
  phone.platform.advance(60_000);
  const asked = phone.platform.sockets.reduce((sum, socket) => sum + socket.count("WATCH"), 0);
  assert.ok(asked > 1, String(asked));
});

test("an address that has no code asks nobody", async () => {
  for (const address of ["/p/nonsense", "/p/nonsense/wall", "/p/%"]) {
    const phone = new AppPhone({ address });
    assert.equal(phone.screen, "door:not_a_code");
    assert.deepEqual([phone.lookups.length, phone.platform.sockets.length], [0, 0]);
    phone.app.chooseStatusAction("other");
    assert.equal(phone.screen, "home");
  }
});

test("a look that fails leaves the page behind a link as it was", async () => {
  const phone = new AppPhone({ address: `/p/${CODE}` });
  await phone.look(FOUND);
  phone.platform.advance(10_000);
  await phone.look({ kind: "unreachable", reason: "unreachable" });
  assert.equal(phone.screen, "link");
});

test("a start whose earlier try came about and is over by now makes another party", async () => {
  const phone = new AppPhone();
  phone.app.start("");
  phone.accept();
  const { token } = phone.socket.last("CREATE");
  phone.app.home();
  phone.app.start("");
  phone.accept();
  assert.equal(phone.socket.last("CREATE").token, token);
  phone.refuse("party_ended", { type: "CREATE" });
  await settled();
  phone.accept();
  assert.notEqual(phone.socket.last("CREATE").token, token);
  assert.equal(phone.screen, "door:starting");
});

test("who taps twice asks once", async () => {
  const phone = new AppPhone();
  phone.app.start("");
  phone.app.start("");
  assert.equal(phone.platform.sockets.length, 1);
});
