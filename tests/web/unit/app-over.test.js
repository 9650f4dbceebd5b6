import assert from "node:assert/strict";
import { test } from "node:test";

import { IDLE } from "../../../src/hubbub/web/client/party_session.js";
import { AppPhone, settled } from "./support/app-phone.js";
import { t } from "./support/shown.js";
import { CODE, EPOCH, room, said } from "./support/phone.js";

const FIGURES = { seconds: 60, guests: 2, messages: 3, reactions: 4 };

function ended(version = 6, cause = "host_left") {
  return { t: "ENDED", version, cause, recap: FIGURES };
}

/** Come back after a loss, and be refused. */
async function refusedComingBack(phone, reason) {
  phone.lose();
  phone.refuse(reason);
  await settled();
}

// ---------------------------------------------------------------- the end of a party

test("an end stores a recap and forgets the seat", async () => {
  const phone = await AppPhone.visiting();
  for (const emoji of ["🔥", "🎉", "🎉"]) await phone.happens({ t: "REACTION", emoji, name: "Ann", memberId: "ann" });
  await phone.happens({ t: "REACTIONS", counts: { "👏": 5 } });
  await phone.happens(ended());
  assert.equal(phone.screen, "recap");
  const { endedAt, top, hostName, guests } = phone.local.told("recaps")[0];
  assert.deepEqual([endedAt, top, hostName, guests], [1_700_000_060_000, ["👏", "🎉", "🔥"], "Ann", 2]);
  assert.deepEqual([phone.storage.seatOf(CODE), phone.app.state.lastSeat], [null, null]);
  assert.deepEqual(phone.told.reactions.at(-1), { "👏": 5 });
});

test("a recap is there after a reload, and by its address", async () => {
  const phone = await AppPhone.visiting();
  await phone.happens(ended());
  const again = phone.reloaded();
  await again.look({ kind: "absent" });
  assert.equal(again.screen, "recap");
  again.app.home();
  assert.equal(again.app.state.recaps.length, 1);
  again.app.openRecap(CODE);
  assert.deepEqual([again.screen, again.router.address], ["recap", `/#recap/${CODE}`]);
  again.app.startAgain();
  assert.deepEqual([again.screen, again.router.address], ["door:starting", "/"]);
});

test("a host who ends the party sees the recap like everybody", async () => {
  const phone = await AppPhone.hosting();
  phone.app.leave();
  await phone.happens({ ...ended(2), cause: "host_left" });
  assert.deepEqual([phone.screen, phone.app.state.recap.isHost, phone.storage.lastSeat], ["recap", true, null]);
  assert.equal(phone.device.isAwake, false);
});

test("an end in the same frame as the entry leaves no seat", async () => {
  const phone = new AppPhone({ address: `/p/${CODE}` });
  phone.app.join("Ben");
  phone.accept();
  const { requestId, code, token } = phone.socket.last("JOIN");
  const seat = { code, memberId: "ben", token, isHost: false, resumed: false };
  await phone.happens({ t: "JOINED", ...seat, epoch: EPOCH, version: 5, requestId }, room(5), ended());
  assert.equal(phone.screen, "recap");
  assert.equal(phone.storage.lastSeat, null);
});

test("a party that ended while the phone was away is gone", async () => {
  const phone = await AppPhone.visiting();
  await refusedComingBack(phone, "party_not_found");
  assert.equal(phone.screen, "door:gone");
  const other = await AppPhone.visiting();
  const again = other.reloaded();
  again.accept();
  again.refuse("party_not_found");
  await settled();
  assert.deepEqual([again.screen, again.storage.seatOf(CODE)], ["door:gone", null]);
});

// ---------------------------------------------------------------- the way out

test("leaving gives up the seat and shows the start", async () => {
  const phone = await AppPhone.visiting();
  phone.app.pause();
  const leaving = phone.app.leave();
  await phone.happens({ t: "OK", requestId: phone.socket.last("LEAVE").requestId });
  await leaving;
  assert.deepEqual([phone.screen, phone.storage.seatOf(CODE), phone.app.state.lastSeat], ["home", null, null]);
  assert.equal(phone.storage.partyOf(CODE), null);
  // A reload there must not ask for the party that was left.
  assert.equal(phone.router.address, "/");
});

test("leaving without a connection is final for the page", async () => {
  const phone = await AppPhone.visiting();
  phone.socket.lose();
  await phone.app.leave();
  assert.deepEqual([phone.screen, phone.router.address], ["home", "/"]);
  assert.equal(phone.app.state.notice, t("notice.leftOffline"));
  assert.equal(phone.app.state.lastSeat.code, CODE);
});

test("going to the start leaves the seat stored", async () => {
  const phone = await AppPhone.visiting();
  const { token } = phone.socket.last("JOIN");
  phone.app.home();
  assert.equal(phone.screen, "home");
  assert.notEqual(phone.socket.closedWith, null);
  assert.equal(phone.app.state.lastSeat.code, CODE);
  phone.app.go(`/p/${CODE}`);
  phone.accept();
  assert.equal(phone.socket.last("JOIN").token, token);
});

test("the screen stays on for a host as long as the party is on it", async () => {
  const phone = await AppPhone.hosting();
  assert.equal(phone.device.isAwake, true);
  phone.app.home();
  assert.equal(phone.device.isAwake, false);
  assert.equal((await AppPhone.visiting()).device.isAwake, false);
});

test("the start lists unreachable parties, but no ended ones", async () => {
  const phone = await AppPhone.visiting();
  const kept = phone.reloaded("/");
  await kept.look({ kind: "unreachable", reason: "unreachable" });
  assert.equal(kept.app.state.lastSeat.code, CODE);
  const gone = phone.reloaded("/");
  assert.equal(gone.app.state.lastSeat.code, CODE);
  await gone.look({ kind: "absent" });
  assert.deepEqual([gone.app.state.lastSeat, gone.storage.seatOf(CODE)], [null, null]);
});

// ---------------------------------------------------------------- removed, taken over, refused

test("a kicked phone reuses its token and gets no other seat", async () => {
  const phone = await AppPhone.visiting();
  const { token } = phone.socket.last("JOIN");
  await phone.happens({ t: "KICKED" });
  assert.equal(phone.screen, "door:kicked");
  assert.deepEqual([phone.storage.seatOf(CODE).token, phone.app.state.lastSeat], [token, null]);
  const again = phone.reloaded();
  again.accept();
  assert.equal(again.socket.last("JOIN").token, token);
  again.refuse("kicked");
  await settled();
  assert.equal(again.screen, "door:kicked");
  assert.equal(again.storage.seatOf(CODE).token, token);
});

test("a seat that another tab took can be taken back", async () => {
  const phone = await AppPhone.visiting();
  const { token } = phone.socket.last("JOIN");
  phone.socket.lose(4509);
  assert.equal(phone.screen, "door:taken_over");
  assert.equal(phone.storage.lastSeat.token, token);
  phone.app.chooseStatusAction("takeBack");
  phone.accept();
  // With the name that this phone has there: should the hold have run out, the new seat gets it.
  const { name } = phone.storage.seatOf(CODE);
  assert.deepEqual([phone.socket.last("JOIN").token, phone.socket.last("JOIN").name], [token, name]);
  await phone.seat({ resumed: true });
  assert.equal(phone.screen, "party");
});

test("a phone that never got in tries with a new token", async () => {
  for (const [reason, door] of [
    ["party_full", "door:full"],
    ["party_locked", "door:locked"],
  ]) {
    const phone = new AppPhone();
    phone.app.enterCode(CODE, CODE, "Ben");
    phone.accept();
    const { token } = phone.socket.last("JOIN");
    phone.refuse(reason);
    await settled();
    assert.deepEqual([phone.screen, phone.storage.seatOf(CODE)], [door, null]);
    phone.app.chooseStatusAction("again");
    assert.equal(phone.screen, "door:connecting");
    phone.accept();
    assert.notEqual(phone.socket.last("JOIN").token, token);
    assert.equal(phone.socket.last("JOIN").name, "Ben");
  }
});

test("a locked party leaves the token for another try", async () => {
  for (const reason of ["party_full", "party_locked"]) {
    const phone = await AppPhone.visiting();
    const { token } = phone.socket.last("JOIN");
    await refusedComingBack(phone, reason);
    assert.equal(phone.storage.seatOf(CODE)?.token, token, reason);
    phone.app.chooseStatusAction("again");
    phone.accept();
    assert.equal(phone.socket.last("JOIN").token, token);
  }
});

test("a final close by the server leaves the seat for a reload", async () => {
  const phone = await AppPhone.visiting();
  const { token } = phone.socket.last("JOIN");
  phone.socket.lose(4513);
  assert.equal(phone.screen, "door:abuse");
  const again = phone.reloaded();
  again.accept();
  assert.equal(again.socket.last("JOIN").token, token);
});

test("a refused token is forgotten, the next try has a new one", async () => {
  const phone = await AppPhone.visiting();
  const again = phone.reloaded();
  again.accept();
  again.refuse("token_invalid");
  await settled();
  assert.deepEqual([again.screen, again.storage.seatOf(CODE)], ["door:refused", null]);
  again.app.chooseStatusAction("again");
  again.accept();
  assert.notEqual(again.socket.last("JOIN").token, phone.socket.last("JOIN").token);
});

// ---------------------------------------------------------------- late news

test("an abandoned party sends no more announcements", async () => {
  const phone = await AppPhone.visiting();
  const old = phone.socket;
  phone.app.commands.sendMessage("hello?");
  await phone.happens({ t: "MEMBER_JOINED", version: 6, guestCount: 2, member: { id: "cat", name: "Cat" } });
  phone.app.home();
  await settled();
  const { state } = phone.app;
  assert.deepEqual([state.client.phase, state.notice, state.messages.length], ["idle", null, 0]);
  old.deliver(said(7));
  old.lose();
  await settled();
  phone.platform.advance(60_000);
  assert.deepEqual([phone.app.state, phone.told.heard], [state, []]);
});

/** A client that answers when a test says so, even if it was closed. */
class LateClient {
  state = { ...IDLE, phase: "connecting", code: CODE };
  listeners = new Set();
  isClosed = false;
  storeNow = () => 0;

  on = (_, listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  create = () => new Promise((resolve) => (this.answer = resolve));
  join = () => this.create();

  close() {
    this.isClosed = true;
  }
}

test("a superseded client is closed and ignored", async () => {
  for (const way of ["start", "typed"]) {
    const clients = [];
    const phone = new AppPhone({ connect: () => clients[clients.push(new LateClient()) - 1] });
    if (way === "start") phone.app.start("Ann");
    else phone.app.enterCode(CODE, CODE, "Ann");
    phone.app.enterCode("XYZ789", "XYZ789", "Ann");
    assert.deepEqual([clients[0].isClosed, clients[0].listeners.size, clients[1].isClosed], [true, 0, false]);
    const before = phone.app.state;
    clients[0].answer({ code: CODE });
    await settled();
    assert.deepEqual(phone.app.state, before);
    assert.deepEqual([phone.router.address, phone.told.entries], ["/p/XYZ789", 0]);
  }
});
