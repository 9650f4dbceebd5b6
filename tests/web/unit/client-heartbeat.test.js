import assert from "node:assert/strict";
import { test } from "node:test";

import { CODE, Phone, room, said } from "./support/phone.js";
import { answerPings, comeBack, live, settled, untilAsked } from "./support/settled-phone.js";

test("a PING is sent after entering, then at the server's interval", async () => {
  const phone = await Phone.live();
  assert.equal(phone.socket.count("PING"), 1);
  answerPings(phone.socket);
  phone.platform.advance(19_999);
  assert.equal(phone.socket.count("PING"), 1);
  phone.platform.advance(1);
  assert.equal(phone.socket.count("PING"), 2);
});

test("an invalid heartbeat interval is ignored", async () => {
  for (const heartbeatSeconds of [0, -1, "20", null, 1e9]) {
    const phone = new Phone();
    phone.client.join(CODE);
    phone.socket.accept();
    phone.socket.deliver({ t: "WELCOME", heartbeatSeconds });
    phone.admit();
    answerPings(phone.socket);
    phone.platform.advance(20_000);
    assert.equal(phone.socket.count("PING"), 2);
  }
});

test("a socket that is silent ten seconds after a PING is closed", async () => {
  const phone = await settled();
  const [dead] = phone.platform.sockets;
  untilAsked(phone);
  phone.platform.advance(9_999);
  assert.equal(phone.state.phase, "live");
  phone.platform.advance(1);
  assert.equal(phone.state.phase, "reconnecting");
  assert.equal(dead.closedWith, 1000);
  phone.platform.advance(250);
  assert.equal(phone.platform.sockets.length, 2);
  comeBack(phone);
  dead.deliver(said(6));
  dead.lose(4504);
  assert.deepEqual([phone.state.phase, phone.state.party.version], ["live", 5]);
});

test("any frame counts as an answer to a PING", async () => {
  const phone = await settled();
  untilAsked(phone);
  phone.platform.advance(9000);
  phone.socket.frame("{ not even understood");
  phone.platform.advance(9000);
  assert.equal(phone.state.phase, "live");
});

test("PONG sets the store's time", async () => {
  const phone = await Phone.live();
  assert.equal(phone.client.storeNow(), phone.platform.time);
  phone.platform.advance(100);
  const { id } = phone.socket.last("PING");
  phone.socket.deliver({ t: "PONG", id, serverTime: phone.platform.time + 7000 });
  assert.equal(phone.client.storeNow(), phone.platform.time + 7050);
  phone.socket.deliver({ t: "PONG", id, serverTime: 0 });
  phone.socket.deliver({ t: "PONG", serverTime: 0 });
  assert.equal(phone.client.storeNow(), phone.platform.time + 7050);
});

test("a new ROOM in a quiet phase leaves the client live", async () => {
  const phone = await settled();
  phone.socket.deliver(room(900));
  live(phone, 60_000);
  assert.deepEqual([phone.state.phase, phone.state.party.version], ["live", 900]);
});
