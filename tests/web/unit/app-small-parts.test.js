import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { announcer } from "../../../src/hubbub/web/app/announcer.js";
import { watchLookup } from "../../../src/hubbub/web/app/lookup.js";
import { noticeOf } from "../../../src/hubbub/web/app/notices.js";
import { routeOf } from "../../../src/hubbub/web/app/router.js";
import { withMessages } from "../../../src/hubbub/web/app/party_records.js";
import { localRefusal, Refusal } from "../../../src/hubbub/web/client/refusal.js";
import { FakePlatform } from "./support/fake-platform.js";
import { member } from "./support/phone.js";
import { inside, t } from "./support/shown.js";

// ---------------------------------------------------------------- addresses

const ROUTES = [
  ["/", "", "home", null, ""],
  ["", "", "home", null, ""],
  ["/p", "", "home", null, ""],
  ["/p/", "", "home", null, ""],
  ["/p//wall", "", "home", null, ""],
  ["/elsewhere/ABC123", "", "home", null, ""],
  ["/p/ABC123", "", "party", "ABC123", "ABC123"],
  ["/p/abc-123", "", "party", "ABC123", "abc-123"],
  ["/p/abc%20123/", "", "party", "ABC123", "abc 123"],
  ["/p/ABC123/wall", "", "wall", "ABC123", "ABC123"],
  ["/p/ABC123/wall/", "", "wall", "ABC123", "ABC123"],
  ["/p/ABC123/roof", "", "party", "ABC123", "ABC123"],
  ["/p/ABC12", "", "party", null, "ABC12"],
  ["/p/ABC1234/wall", "", "wall", null, "ABC1234"],
  ["/p/%", "", "party", null, "%"],
  ["/p/%E0%A4%A", "", "party", null, "%E0%A4%A"],
  ["/p/b%C3%A4r%F0%9F%8E%89", "", "party", null, "bär🎉"],
  ["/p/%3Cscript%3E", "", "party", null, "<script>"],
  ["/p/..%2F..%2Fabc", "", "party", null, "../../abc"],
  ["/p/ABC123", "#recap/XYZ789", "party", "ABC123", "ABC123"],
  ["/", "#recap/XYZ789", "recap", "XYZ789", "XYZ789"],
  ["/", "#recap/xyz789", "home", null, ""],
  ["/", "#recap/XYZ7890", "home", null, ""],
  ["/", "#recap/", "home", null, ""],
  ["/", "#anything", "home", null, ""],
];

for (const [pathname, hash, name, code, typed] of ROUTES) {
  test(`the address “${pathname}${hash}” is ${name}${code === null ? "" : ` of ${code}`}`, () => {
    assert.deepEqual(routeOf(pathname, hash), { name, code, typed });
  });
}

// ---------------------------------------------------------------- looking at a party from outside

function lookout() {
  const platform = new FakePlatform();
  const seen = { platform, asked: [], lookups: [] };
  const lookUp = (code) => new Promise((resolve) => seen.asked.push({ code, answer: resolve }));
  seen.looking = watchLookup(lookUp, platform, (lookup) => seen.lookups.push(lookup.kind));
  seen.answer = async (kind, at = -1) => {
    seen.asked.at(at).answer({ kind });
    await setImmediate();
  };
  return seen;
}

test("a party that is there is looked at again after ten seconds, one out of reach after two", async () => {
  const { looking, platform, asked, lookups, answer } = lookout();
  looking.start("BCDFGH");
  await answer("found");
  platform.advance(9999);
  assert.equal(asked.length, 1);
  platform.advance(1);
  assert.equal(asked.length, 2);
  await answer("unreachable");
  platform.advance(1999);
  assert.equal(asked.length, 2);
  platform.advance(1);
  assert.deepEqual(
    asked.map(({ code }) => code),
    ["BCDFGH", "BCDFGH", "BCDFGH"],
  );
  assert.deepEqual(lookups, ["found", "unreachable"]);
});

test("a party that is not there is not looked at again, unless somebody asks", async () => {
  const { looking, platform, asked, answer } = lookout();
  looking.start("BCDFGH");
  await answer("absent");
  platform.advance(60_000);
  assert.deepEqual([asked.length, platform.held], [1, 0]);
  looking.now();
  assert.equal(asked.length, 2);
});

test("looking now takes the place of the look that was to come", async () => {
  const { looking, platform, asked, answer } = lookout();
  looking.start("BCDFGH");
  await answer("found");
  looking.now();
  assert.deepEqual([asked.length, platform.held], [2, 0]);
});

test("an answer that comes after one has turned away is nobody's", async () => {
  const { looking, platform, asked, lookups, answer } = lookout();
  looking.start("AAAAA1");
  looking.start("AAAAA2");
  await answer("found", 0);
  assert.deepEqual(lookups, []);
  await answer("unreachable", 1);
  assert.deepEqual(lookups, ["unreachable"]);
  looking.stop();
  looking.now();
  platform.advance(60_000);
  assert.deepEqual([asked.length, platform.held], [2, 0]);
});

// ---------------------------------------------------------------- what screen readers hear

function listener() {
  const platform = new FakePlatform();
  const heard = [];
  return { platform, heard, ears: announcer(platform, t, (text) => heard.push(text)) };
}

test("what happens within a moment is told at once, and then there is quiet again", () => {
  const { platform, heard, ears } = listener();
  const client = inside();
  const come = (id) => ears.hear({ t: "MEMBER_JOINED", member: member(id, id) }, client);
  come("Dan");
  platform.advance(1400);
  come("Eve");
  ears.announce("You are connected again");
  assert.deepEqual(heard, []);
  platform.advance(100);
  assert.deepEqual(heard, ["You are connected again. Dan and 1 more joined"]);
  platform.advance(60_000);
  assert.equal(heard.length, 1);
  come("Fay");
  platform.advance(1500);
  assert.equal(heard[1], "Fay joined");
});

test("events of which there is nothing to say pass in silence", () => {
  const { platform, heard, ears } = listener();
  ears.hear({ t: "GUEST_COUNT", guestCount: 3 }, inside());
  platform.advance(60_000);
  assert.deepEqual(heard, []);
});

test("members who come and go together have names too", () => {
  const { platform, heard, ears } = listener();
  const client = inside({ memberId: "ann" });
  const empty = inside({ memberId: "ann", party: { members: [member("ann", "Ann", { isHost: true })] } });
  ears.meet(client.party);
  ears.meet(empty.party);
  ears.hear({ t: "MEMBER_JOINED", member: member("zoe", "Zoe") }, empty);
  ears.hear({ t: "MEMBER_LEFT", memberId: "zoe" }, empty);
  ears.hear({ t: "MEMBER_LEFT", memberId: "ben" }, empty);
  platform.advance(1500);
  assert.deepEqual(heard, ["Zoe joined. Zoe and 1 more left"]);
});

test("what was gathered of a party is not told in another", () => {
  const { platform, heard, ears } = listener();
  ears.hear({ t: "MEMBER_JOINED", member: member("dan", "Dan") }, inside());
  ears.announce("You are connected again");
  ears.forget();
  platform.advance(1500);
  assert.deepEqual(heard, []);
});

// ---------------------------------------------------------------- what was said

test("a transcript goes further back than the party does, each message once, by their times", () => {
  const t = (n) => ({ id: `m${n}`, at: n });
  const kept = [t(1), t(2), t(4)];
  assert.deepEqual(
    withMessages(kept, [t(2), t(3), t(4), t(5)]).map(({ at }) => at),
    [1, 2, 3, 4, 5],
  );
  assert.equal(withMessages(kept, [t(2), t(4)]), kept);
  assert.deepEqual(
    withMessages([], [t(2), t(1)]).map(({ at }) => at),
    [1, 2],
  );
});

test("the newest two hundred messages stay", () => {
  const messages = Array.from({ length: 250 }, (_, n) => ({ id: `m${n}`, at: n }));
  const kept = withMessages(messages.slice(0, 190), messages.slice(190));
  assert.deepEqual([kept.length, kept[0].at, kept.at(-1).at], [200, 50, 249]);
});

// ---------------------------------------------------------------- notices

test("a refusal has its own words, one of a later server the common ones", () => {
  const notice = (reason) => noticeOf(new Refusal(reason), {}, t);
  for (const reason of ["rate_limited", "too_long", "not_host", "invalid_target", "chat_locked", "emoji_only"]) {
    assert.equal(notice(reason), t(`notice.${reason}`));
  }
  for (const reason of ["store_unavailable", "recovering"])
    assert.equal(notice(reason), t("notice.store_unavailable"));
  for (const reason of ["meteor", "not_emoji", "toString"]) assert.equal(notice(reason), t("notice.failed"), reason);
  assert.equal(noticeOf(localRefusal("lost"), {}, t), t("notice.lost"));
});

test("“not connected” is about this phone where the phone says it, else about the guest", () => {
  const about = { name: "Ben" };
  assert.equal(noticeOf(localRefusal("not_connected"), about, t), t("notice.not_connected"));
  assert.match(noticeOf(new Refusal("not_connected"), about, t), /^Ben is away right now/);
  assert.equal(noticeOf(new Refusal("not_connected"), {}, t), t("notice.not_connected"));
});
