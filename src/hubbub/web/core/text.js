/** Lengths of texts as the server counts them: in code points, not in the UTF-16 units of `length` and `maxlength`. */

/** Return by how many characters `text` is longer than `max`; 0 if it is not. */
export function excessChars(text, max) {
  // No text has more code points than units, so most texts need no counting.
  return text.length <= max ? 0 : Math.max(0, [...text].length - max);
}

/** Return the first `max` characters of `text`; a character is never cut in two. */
export function firstChars(text, max) {
  return excessChars(text, max) === 0 ? text : [...text].slice(0, max).join("");
}
