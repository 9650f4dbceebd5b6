import assert from "node:assert/strict";
import { test } from "node:test";

import { CODE, Phone, TOKEN } from "./support/phone.js";
import { FakeServer } from "./support/fake-server.js";

const WALKS = 150;
const STEPS = 250;

/** mulberry32: whole numbers from 0, the same for the same seed. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Checks at every change and event what must hold however bad the day is. */
function watchOver(phone, server) {
  const seen = new Set();
  phone.client.on("change", ({ party, phase }) => {
    assert.notEqual(phase, "over");
    if (party !== null) {
      const truth = server.history.get(`${party.epoch}:${party.version}`);
      assert.deepEqual(party, JSON.parse(truth), "a state that the party was never in");
    }
  });
  phone.client.on("event", ({ from, ...event }) => {
    const key = `${phone.state.party.epoch}:${event.version}`;
    assert.ok(!seen.has(key), `${key} was delivered twice`);
    seen.add(key);
    assert.deepEqual(event, JSON.parse(server.told.get(key)));
    assert.ok(phone.state.party.version >= event.version);
  });
  return seen;
}

function steps(phone, server, roll) {
  const { client, platform } = phone;
  const signals = ["shown", "hidden", "online", "offline", "frozen"];
  return [
    () => platform.advance(roll(50)),
    () => platform.advance(roll(500)),
    () => platform.advance(roll(5_000)),
    () => platform.advance(roll(30_000)),
    () => server.happen(),
    () => server.happen(),
    () => server.happen(),
    () => server.disturb(),
    () => server.disturb(),
    () => client.sendMessage("hi"),
    () => client.rename(`Ben ${roll(9)}`),
    () => client.wake(),
    () => platform.signal(signals[roll(signals.length)]),
    () => roll(3) === 0 && platform.sleep(roll(100_000)),
    () => roll(3) === 0 && (server.isUp = roll(2) === 0),
    () => roll(5) === 0 && server.renewEpoch(),
  ];
}

async function walk(seed) {
  const roll = dice(seed);
  const phone = new Phone();
  phone.platform.random = () => roll(1000) / 1000;
  const server = new FakeServer(phone.platform, roll);
  const seen = watchOver(phone, server);
  const joining = phone.client.join(CODE, { token: TOKEN, name: "Ben" });
  const possible = steps(phone, server, roll);
  for (let step = 0; step < STEPS; step++) possible[roll(possible.length)]();

  server.isUp = true;
  server.isMoody = false;
  phone.platform.advance(60_000);
  // A hole shows with the next event only.
  for (let turn = 0; turn < 3; turn++) {
    server.happen();
    phone.platform.advance(30_000);
  }
  assert.equal(phone.state.phase, "live");
  assert.deepEqual(phone.state.party, server.truth);
  assert.deepEqual([phone.state.trouble, phone.state.lostAt, phone.state.nextTryAt], [null, null, null]);
  assert.equal((await joining).code, CODE);
  phone.client.close();
  return seen.size;
}

test("after random faults the client is right and synced", async () => {
  const failures = [];
  const note = (error) => failures.push(error);
  // A failed check in a listener is reported like any error of a listener.
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  try {
    let told = 0;
    for (let seed = 1; seed <= WALKS && failures.length === 0; seed++) {
      try {
        told += await walk(seed);
      } catch (error) {
        error.message = `walk ${seed}: ${error.message}`;
        failures.push(error);
      }
      await new Promise((resolve) => setImmediate(resolve));
      if (failures.length > 0) console.error(`the walk with seed ${seed} failed`);
    }
    if (failures.length > 0) throw failures[0];
    assert.ok(told > WALKS * 20, `only ${told} events were delivered: the walk proves little`);
  } finally {
    process.off("unhandledRejection", note);
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});
