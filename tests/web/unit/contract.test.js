import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { NOTICE_OF_REASON } from "../../../src/hubbub/web/app/notices.js";
import { LOCAL_SENTENCES } from "../../../src/hubbub/web/client/refusal.js";
import { FINAL_CLOSE_REASONS, isFinalCloseCode } from "../../../src/hubbub/web/core/contract.js";
import { excessChars, firstChars } from "../../../src/hubbub/web/core/text.js";
import { STATUS_OF_REASON } from "../../../src/hubbub/web/models/screen.js";

const SCHEMA = JSON.parse(readFileSync(new URL("../../../docs/protocol.schema.json", import.meta.url), "utf8"));
const REASONS = SCHEMA.$defs.Reason.enum;
/** What the client says of a connection, beside refusals. */
const LOCAL_REASONS = [...Object.keys(LOCAL_SENTENCES), "offline", "unreachable"];

test("the app has texts only for existing reasons", () => {
  const closing = Object.values(FINAL_CLOSE_REASONS);
  const known = new Set([...REASONS, ...closing, ...LOCAL_REASONS]);
  for (const reason of [...Object.keys(STATUS_OF_REASON), ...Object.keys(NOTICE_OF_REASON)]) {
    assert.ok(known.has(reason), reason);
  }
});

test("each final close code has a status screen", () => {
  for (const [code, reason] of Object.entries(FINAL_CLOSE_REASONS)) {
    assert.ok(isFinalCloseCode(Number(code)), code);
    assert.ok(reason in STATUS_OF_REASON, reason);
  }
});

test("characters are counted as the server does: an emoji is one", () => {
  const cases = [
    ["", 3, 0, ""],
    ["abc", 3, 0, "abc"],
    ["abcd", 3, 1, "abc"],
    ["🎉🎉🎉", 3, 0, "🎉🎉🎉"],
    ["🎉🎉🎉🎉", 3, 1, "🎉🎉🎉"],
    ["a🎉b🎉", 2, 2, "a🎉"],
    ["\ud83c".repeat(4), 3, 1, "\ud83c".repeat(3)],
  ];
  for (const [text, max, excess, first] of cases) {
    assert.equal(excessChars(text, max), excess, text);
    assert.equal(firstChars(text, max), first, text);
  }
  assert.equal(excessChars("🎉".repeat(300), 500), 0);
});
