import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { IDLE } from "../../../src/hubbub/web/client/party_session.js";
import { statusModel, screenOf } from "../../../src/hubbub/web/models/screen.js";
import { MESSAGES } from "../../../src/hubbub/web/strings/en.js";
import { inside, knowing, recap, t } from "./support/shown.js";

const SCHEMA = JSON.parse(readFileSync(new URL("../../../docs/protocol.schema.json", import.meta.url), "utf8"));
const ALL_REASONS = [...reasonsIn(SCHEMA), "offline", "unreachable", "recovering", "closed", "left", "abuse", "news"];
const FIGURES = { seconds: 60, guests: 1, messages: 2, reactions: 3 };

/** Every reason that a refusal can have, as the protocol's schema lists them. */
function reasonsIn(part) {
  if (typeof part !== "object" || part === null) return [];
  if (Array.isArray(part.enum) && part.enum.includes("party_not_found")) return part.enum;
  return Object.values(part).flatMap(reasonsIn);
}

function trying(reason, entering = "join") {
  const trouble = reason === null ? null : { reason };
  return knowing({ entering, client: { ...IDLE, phase: "connecting", trouble } });
}

function over(reason, changes = {}) {
  return knowing({ entering: "join", client: { ...IDLE, phase: "over", over: { reason } }, ...changes });
}

function looked(lookup, changes = {}) {
  return knowing({ lookup, ...changes });
}

const FOUND = { locked: false, full: false };
const SCREENS = [
  ["the start", knowing({ path: "/" }), "home"],
  ["a kept recap", knowing({ path: "/", hash: "#recap/BCDFGH", recap: recap() }), "recap"],
  ["a recap that is not kept any more", knowing({ path: "/", hash: "#recap/BCDFGH" }), "home"],
  ["a party that is being created", trying(null, "create"), "door:starting"],
  ["a party that is being joined", trying(null), "door:connecting"],
  ["a wall that is being opened", trying(null, "watch"), "door:opening"],
  ["a party that is being looked for", looked({ kind: "loading" }), "door:looking"],
  ["a party that is there", looked({ kind: "found", party: FOUND }), "link"],
  ["a full party", looked({ kind: "found", party: { ...FOUND, full: true } }), "door:full"],
  ["a locked party", looked({ kind: "found", party: { ...FOUND, locked: true } }), "door:locked"],
  ["a party that is not there", looked({ kind: "absent" }), "door:not_found"],
  ["a party that is not there any more", looked({ kind: "absent" }, { recap: recap() }), "recap"],
  ["a store that is away", looked({ kind: "unreachable", reason: "store_unavailable" }), "door:store_away"],
  ["a phone that is offline", looked({ kind: "unreachable", reason: "offline" }), "door:offline"],
  ["a server that does not answer", looked({ kind: "unreachable", reason: "unreachable" }), "door:unreachable"],
  ["a text that is no code", knowing({ path: "/p/nonsense" }), "door:not_a_code"],
  ["a wall of no code", knowing({ path: "/p/nonsense/wall" }), "door:not_a_code"],
  ["a store that is away at the door", trying("store_unavailable"), "door:store_away"],
  ["a store that is recovering", trying("recovering"), "door:store_away"],
  ["a server in trouble", trying("internal_error"), "door:store_away"],
  ["a server that does not answer", trying("unreachable"), "door:unreachable"],
  ["no network at the door", trying("offline"), "door:offline"],
  ["a crowd at the door", trying("rate_limited"), "door:busy"],
  ["too many walls", trying("too_many_watchers", "watch"), "door:watchers"],
  ["a trouble of a later server", trying("meteor"), "door:unreachable"],
  ["a party from the inside", knowing({ entering: "join", client: inside() }), "party"],
  ["a party that was lost", knowing({ entering: "join", client: inside({ phase: "reconnecting" }) }), "party"],
  ["a wall", knowing({ entering: "watch", client: inside({ watching: true, memberId: null }) }), "wall"],
  ["the server's word that there is none", over("party_not_found"), "door:not_found"],
  ["a party that went while this phone was away", over("party_not_found", { hadSeat: true }), "door:gone"],
  ["a party that ended meanwhile", over("party_ended"), "door:ended"],
  ["a party that was full", over("party_full"), "door:full"],
  ["a party that was locked", over("party_locked"), "door:locked"],
  ["a phone that was removed", over("kicked"), "door:kicked"],
  ["a seat in another tab", over("taken_over"), "door:taken_over"],
  ["nonsense that was sent", over("abuse"), "door:abuse"],
  ["a refusal of its own kind", over("token_invalid"), "door:refused"],
  ["a party that was left", over("left"), "home"],
];

for (const [what, app, expected] of SCREENS) {
  test(`${what} shows ${expected}`, () => {
    const { name, kind } = screenOf(app);
    assert.equal(kind === undefined ? name : `${name}:${kind}`, expected);
  });
}

test("every door that has words can be reached", () => {
  const told = Object.keys(MESSAGES).flatMap((key) => /^door\.(\w+)\.title$/.exec(key)?.[1] ?? []);
  const reached = SCREENS.flatMap(([, , expected]) => (expected.startsWith("door:") ? [expected.slice(5)] : []));
  assert.deepEqual([...new Set(reached)].sort(), told.sort());
});

test("an end that has figures shows them, however it came", () => {
  for (const reason of ["left", "party_ended"]) {
    const client = inside({ phase: "over", over: { reason, cause: "host_left", recap: FIGURES } });
    assert.equal(screenOf(knowing({ entering: "join", client, recap: recap() })).name, "recap");
  }
  const unheard = inside({ phase: "over", over: { reason: "party_ended" } });
  assert.deepEqual(screenOf(knowing({ entering: "join", client: unheard })), { name: "door", kind: "ended" });
});

test("nothing but the server's word makes a party not found", () => {
  assert.ok(ALL_REASONS.includes("store_unavailable") && ALL_REASONS.includes("party_not_found"));
  for (const reason of ALL_REASONS.filter((one) => one !== "party_not_found")) {
    for (const hadSeat of [true, false]) {
      assert.notEqual(screenOf(over(reason, { hadSeat })).kind, "not_found", `over: ${reason}`);
    }
    for (const entering of ["create", "join", "watch"]) {
      assert.notEqual(screenOf(trying(reason, entering)).kind, "not_found", `trouble: ${reason}`);
    }
  }
  for (const offline of [true, false]) {
    assert.notEqual(screenOf(looked({ kind: "unreachable", offline })).kind, "not_found");
  }
  assert.notEqual(screenOf(looked({ kind: "loading" })).kind, "not_found");
});

test("each trouble has a door, which a shown party outlives", () => {
  for (const reason of ALL_REASONS) {
    assert.equal(screenOf(trying(reason)).name, "door", reason);
    const client = inside({ phase: "reconnecting", trouble: { reason } });
    assert.equal(screenOf(knowing({ entering: "join", client })).name, "party", reason);
  }
});

test("each door has a text, and an action unless it is short", () => {
  for (const [what, app, expected] of SCREENS.filter(([, , one]) => one.startsWith("door:"))) {
    const kind = expected.slice(5);
    const model = statusModel(kind, app, t);
    assert.equal(model.kind, kind);
    assert.ok(model.title.length > 0 && !/[{}]|undefined/.test(model.title + model.text), what);
    assert.ok(model.actions.length > 0 || ["opening", "looking"].includes(kind), what);
    assert.ok(
      model.actions.every((action) => action.id !== "" && action.label !== ""),
      what,
    );
  }
});

test("a door repeats what was typed, as it was typed", () => {
  const model = statusModel("not_found", knowing({ path: "/p/bcd-fgh" }), t);
  assert.match(model.text, /You typed bcd-fgh\./);
  assert.equal(model.code, "BCDFGH");
  const none = statusModel("not_a_code", knowing({ path: "/p/b%C3%A4r" }), t);
  assert.match(none.text, /You typed bär\./);
  assert.equal(none.code, null);
});

test("an ended party shows its stored recap on every way in", () => {
  for (const reason of ["party_ended", "party_not_found"]) {
    assert.deepEqual(screenOf({ ...over(reason), recap: { code: "BCDFGH" } }), { name: "recap" });
  }
  assert.deepEqual(screenOf({ ...over("kicked"), recap: { code: "BCDFGH" } }), { name: "door", kind: "kicked" });
});

test("a door that retries by itself offers no retry", () => {
  const actions = (kind) => statusModel(kind, knowing(), t).actions.map(({ id }) => id);
  assert.deepEqual(actions("connecting"), ["cancel"]);
  assert.deepEqual(actions("store_away"), ["again", "home"]);
  assert.deepEqual(actions("taken_over"), ["takeBack", "home"]);
  assert.deepEqual(actions("kicked"), ["home"]);
  assert.deepEqual(actions("abuse"), ["reload"]);
});
