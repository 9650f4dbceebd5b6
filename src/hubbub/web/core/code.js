/** A party's code: six of A-Z and 0-9, in any way a person types it. Mirrors `normalize_code` in the server's core. */

import { CODE_LENGTH } from "./contract.js";

const CODE = new RegExp(`^[A-Z0-9]{${CODE_LENGTH}}$`);

// Beyond `\s`: what Python's str.isspace() takes for a space too, invisible characters, minus sign, hyphens.
const SEPARATORS = /[\s\x1c-\x1f\x85\u200b\u2060\ufeff\u2212\p{Pd}]/gu;

const JOIN_LINK = /\/p\/([^/?#\s]+)/i;

/**
 * Return what a person typed without case, spaces and hyphens, which mean nothing in a code. Of a pasted join link
 * (`https://host/p/ABC123`, `/p/ABC123/wall`) it is the code. Check the result with `isCode`.
 *
 * @param {string} typed
 * @returns {string}
 */
export function squeeze(typed) {
  const link = JOIN_LINK.exec(typed);
  if (link !== null) {
    const code = withoutSeparators(decoded(link[1]));
    if (isCode(code)) return code;
  }
  return withoutSeparators(typed);
}

/**
 * Return whether `text` is a code as the store has it.
 *
 * @param {unknown} text
 * @returns {boolean}
 */
export function isCode(text) {
  return typeof text === "string" && CODE.test(text);
}

/**
 * Return the code in what was typed or pasted so far: up to six characters, or none if no single word looks like a
 * code.
 *
 * @param {string} typed
 * @returns {string}
 */
export function codeWithin(typed) {
  const squeezed = squeeze(typed).replace(/[^A-Z0-9]/g, "");
  if (squeezed.length <= CODE_LENGTH) return squeezed;
  const words = [...typed.matchAll(/\b([A-Za-z0-9]{3})[ -]?([A-Za-z0-9]{3})\b/g)].map(([, one, two]) => one + two);
  const codes = words.filter((word) => /[0-9]/.test(word) || word === word.toUpperCase());
  return codes.length === 1 ? codes[0].toUpperCase() : "";
}

function withoutSeparators(text) {
  // Only ASCII is upper-cased: "ß".toUpperCase() is "SS", which was not typed.
  return text.replace(SEPARATORS, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Return a code as people read it out: `BQ7 4KX`. */
export function spaced(code) {
  return `${code.slice(0, 3)} ${code.slice(3)}`;
}
