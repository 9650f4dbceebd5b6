/** Tokens: the secret that owns a seat. */

import { TOKEN_BITS } from "./contract.js";

const TOKEN_BYTES = TOKEN_BITS / 8;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Return a new token: 128 bits as 22 characters of base64url without padding.
 *
 * @param {(count: number) => Uint8Array} randomBytes must be unpredictable
 * @returns {string}
 */
export function newToken(randomBytes) {
  let token = "";
  let held = 0;
  let bits = 0;
  for (const byte of randomBytes(TOKEN_BYTES)) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      token += ALPHABET[(held >> bits) & 63];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? token + ALPHABET[(held << (6 - bits)) & 63] : token;
}
