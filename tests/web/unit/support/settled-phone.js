/** A client with a lasting connection, and what the server and time do to it. */

import assert from "node:assert/strict";

import { Phone } from "./phone.js";

/** Return a client that has been live for a minute, so that its next try comes at once. */
export async function settled() {
  const phone = await Phone.live();
  live(phone, 60_000);
  return phone;
}

/** Let time pass while the server answers every PING. */
export function live(phone, ms) {
  const { socket } = phone;
  for (let passed = 0; passed < ms; passed += 1000) {
    answerPings(socket);
    phone.platform.advance(1000);
  }
  answerPings(socket);
}

export function answerPings(socket) {
  const asked = socket.count("PING");
  if (asked > (socket.answered ?? 0)) socket.deliver({ t: "PONG", id: socket.last("PING").id, serverTime: 1 });
  socket.answered = asked;
}

/** Let time pass until the client sends its next PING. */
export function untilAsked(phone) {
  const asked = phone.socket.count("PING");
  for (let second = 0; phone.socket.count("PING") === asked; second++) {
    assert.ok(second < 60, "no PING for a minute");
    phone.platform.advance(1000);
  }
}

export function comeBack(phone, options) {
  phone.accept();
  phone.admit({ version: phone.state.party.version, resumed: true, told: [], ...options });
}
