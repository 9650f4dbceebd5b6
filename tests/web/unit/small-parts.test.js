import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";

import { backoffMs } from "../../../src/hubbub/web/client/reconnecting_socket.js";
import { StoreClock } from "../../../src/hubbub/web/client/clock.js";
import { clockText, positionAt } from "../../../src/hubbub/web/core/playback.js";
import { newToken } from "../../../src/hubbub/web/core/tokens.js";

test("a token is 16 bytes as base64url without padding", () => {
  for (let seed = 0; seed < 256; seed++) {
    const bytes = Uint8Array.from({ length: 16 }, (_, place) => (seed * 31 + place * 97) % 256);
    assert.equal(
      newToken(() => bytes),
      Buffer.from(bytes).toString("base64url"),
    );
  }
  const asked = [];
  newToken((count) => (asked.push(count), new Uint8Array(count)));
  assert.deepEqual(asked, [16]);
});

test("a track that plays moves on by the store's clock, others stand still", () => {
  assert.equal(positionAt({ state: "playing", position: 10, at: 1000 }, 3500), 12.5);
  assert.equal(positionAt({ state: "paused", position: 10, at: 1000 }, 3500), 10);
  assert.equal(positionAt({ state: "stopped", position: 0, at: 1000 }, 3500), 0);
  assert.equal(positionAt({ state: "playing", position: 10, at: 4000 }, 3500), 10);
});

test("positions read as on a clock", () => {
  const short = [
    [0, "0:00"],
    [7.9, "0:07"],
    [187, "3:07"],
    [600, "10:00"],
    [3599, "59:59"],
  ];
  for (const [seconds, text] of [...short, [3723, "1:02:03"]]) assert.equal(clockText(seconds), text);
  assert.equal(clockText(-1), "0:00");
  assert.equal(clockText(NaN), "0:00");
});

test("waits double from half a second to ten; the first after a connection that lasted is short", () => {
  const most = [0, 1, 2, 3, 4, 5, 6, 7, 2000].map((failures) => backoffMs({ failures }, 1));
  assert.deepEqual(most, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  assert.equal(backoffMs({ failures: 3 }, 0.25), 500);
  assert.deepEqual([0, 2].map((failures) => backoffMs({ failures, isRestart: true }, 1)), [5000, 1000]);
});

test("without a reading the store's time is the local one", () => {
  assert.equal(new StoreClock().at(1234), 1234);
});

test("the shortest round trip tells the store's time best", () => {
  const clock = new StoreClock();
  clock.learn(1000, 6300, 1400);
  assert.equal(clock.at(2000), 7100);
  clock.learn(2000, 7005, 2010);
  assert.equal(clock.at(3000), 8000);
  clock.learn(3000, 8290, 3300);
  assert.equal(clock.at(3000), 8000);
});

test("a clock that was set makes older readings worthless", () => {
  const clock = new StoreClock();
  clock.learn(1000, 6005, 1010);
  clock.learn(101_000, 6500, 101_200);
  assert.equal(clock.at(101_200), 6600);
});

test("a reading that cannot be is not believed", () => {
  const clock = new StoreClock();
  clock.learn(1000, 5000, 900);
  clock.learn(1000, undefined, 1010);
  clock.learn(1000, "5000", 1010);
  clock.learn(undefined, 5000, 1010);
  assert.equal(clock.at(1000), 1000);
});

test("old readings are forgotten, so that a drifting clock is followed", () => {
  const clock = new StoreClock();
  clock.learn(0, 5000, 0);
  for (let turn = 1; turn <= 8; turn++) clock.learn(turn * 1000, turn * 1000 + 5050, turn * 1000 + 20);
  assert.equal(clock.at(9000), 14_040);
});
