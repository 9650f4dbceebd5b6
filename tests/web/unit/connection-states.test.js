import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionStates, EVENTS, TRANSITIONS } from "../../../src/hubbub/web/client/connection_states.js";

/** Each row: a state, and where connect, enter, accepted, refused, synced, lost, stop and finish lead; "-" is nowhere. */
const EXPECTED = `
  idle                  connecting:opening   -                     -                    -                    -     -                     idle  over
  connecting:opening    connecting:opening   connecting:entering   -                    -                    -     connecting:waiting    idle  over
  connecting:entering   -                    -                     connecting:loading   connecting:waiting   -     connecting:waiting    idle  over
  connecting:loading    -                    -                     -                    -                    live  connecting:waiting    idle  over
  connecting:waiting    connecting:opening   connecting:entering   -                    -                    -     connecting:waiting    idle  over
  live                  -                    -                     -                    -                    -     reconnecting:waiting  idle  over
  reconnecting:opening  reconnecting:opening reconnecting:entering -                    -                    -     reconnecting:waiting  idle  over
  reconnecting:entering -                    -                     reconnecting:loading reconnecting:waiting -     reconnecting:waiting  idle  over
  reconnecting:loading  -                    -                     -                    -                    live  reconnecting:waiting  idle  over
  reconnecting:waiting  reconnecting:opening reconnecting:entering -                    -                    -     reconnecting:waiting  idle  over
  over                  -                    -                     -                    -                    -     -                     -     -
`
  .trim()
  .split("\n")
  .map((row) => row.trim().split(/\s+/));

/** The shortest events that lead from "idle" to each state. */
function pathsToStates() {
  const paths = { idle: [] };
  for (const [state, path] of Object.entries(paths)) walk(state, path);
  function walk(state, path) {
    for (const [event, next] of Object.entries(TRANSITIONS[state])) {
      if (next in paths) continue;
      paths[next] = [...path, event];
      walk(next, paths[next]);
    }
  }
  return paths;
}

function statesAfter(events) {
  const states = new ConnectionStates();
  for (const event of events) assert.ok(states.on(event), event);
  return states;
}

function nameOf(states) {
  return states.stage === undefined ? states.phase : `${states.phase}:${states.stage}`;
}

test("the table has each state and event, and nothing else", () => {
  assert.deepEqual(Object.keys(TRANSITIONS), EXPECTED.map(([state]) => state));
  assert.deepEqual(EVENTS, ["connect", "enter", "accepted", "refused", "synced", "lost", "stop", "finish"]);
});

test("each event leads from each state to its row's target", () => {
  const paths = pathsToStates();
  for (const [state, ...expected] of EXPECTED) {
    EVENTS.forEach((event, place) => {
      const states = statesAfter(paths[state]);
      assert.equal(nameOf(states), state);
      const isAllowed = expected[place] !== "-";
      assert.equal(states.on(event), isAllowed, `${state}, ${event}`);
      assert.equal(nameOf(states), isAllowed ? expected[place] : state, `${state}, ${event}`);
    });
  }
});

test("a synced party never connects first again, an end is final", () => {
  for (const [state, row] of Object.entries(TRANSITIONS)) {
    const phase = state.split(":")[0];
    const nexts = Object.values(row).map((next) => next.split(":")[0]);
    if (phase === "live" || phase === "reconnecting") assert.ok(!nexts.includes("connecting"), state);
    if (phase === "over") assert.deepEqual(nexts, []);
  }
});

test("only idle and over are stopped", () => {
  for (const [state, path] of Object.entries(pathsToStates())) {
    assert.equal(statesAfter(path).isStopped, state === "idle" || state === "over", state);
  }
});

test("an event that is none is refused", () => {
  assert.throws(() => new ConnectionStates().on("explode"), /no event "explode"/);
});
