import assert from "node:assert/strict";
import { test } from "node:test";

import { codeWithin, isCode, squeeze } from "../../../src/hubbub/web/core/code.js";

// The same texts as in tests/unit/test_codes.py.
const TYPED = [
  "ABC123",
  "abc123",
  " abc 123 ",
  "abc-123",
  "a-b-c 1 2 3",
  "ABC\u2013123",
  "ABC\u2011123",
  "ABC\u2212123",
  "abc\u00a0123",
  "\u200babc123\n",
  "\tABC\r\n123",
  "abc\x1c123",
  "abc\x85123",
  "abc\u2060123\ufeff",
];
const NO_CODES = [
  "",
  "ABC12",
  "ABC1234",
  "ABC12!",
  "ABC_123",
  "ABCD1É",
  "ßABCD",
  "\uff21BC123",
  "\u0661BC123",
  "ABC12\0",
  "../../",
  "A".repeat(10_000),
];

test("case, spaces and hyphens do not matter", () => {
  for (const typed of TYPED) assert.equal(squeeze(typed), "ABC123", JSON.stringify(typed));
});

test("what cannot be a code is none", () => {
  for (const typed of NO_CODES) assert.equal(isCode(squeeze(typed)), false, JSON.stringify(typed));
});

test("a code is exactly six of A-Z and 0-9", () => {
  assert.ok(isCode("ABC123"));
  assert.ok(!isCode("abc123"));
  assert.ok(!isCode("ABC123\n"));
  assert.ok(!isCode(null));
});

test("a pasted join link gives its code", () => {
  for (const link of [
    "https://party.example/p/ABC123",
    "http://192.168.1.4:8080/p/abc-123",
    "https://party.example/p/ABC123/wall",
    "/p/ABC123/wall",
    "party.example/p/abc123/",
    "Come to my party: https://party.example/p/ABC123?from=qr#top !",
    "https://party.example/p/abc%20123",
  ]) {
    assert.equal(squeeze(link), "ABC123", link);
  }
});

test("a link without a code is no code", () => {
  for (const end of ["", "%E0%A4%A", "ABC", "ABC1234", "wall"]) {
    assert.ok(!isCode(squeeze(`https://party.example/p/${end}`)), end);
  }
});

test("a code is found in pasted text, none in plain words", () => {
  for (const [typed, code] of [
    ["bq7-4", "BQ74"],
    ["bq7-4kx", "BQ74KX"],
    ["The party code is BQ7 4KX", "BQ74KX"],
    ["Code: bq74kx!", "BQ74KX"],
    ["come to https://party.example/p/BQ74KX tonight", "BQ74KX"],
    ["The party is at nine", ""],
    ["BQ74KX or BQ75KX", ""],
    ["", ""],
  ]) {
    assert.equal(codeWithin(typed), code, typed);
  }
});
