/** The position of a track. */

/**
 * Return the position in seconds from the track's beginning, never below 0.
 *
 * @param {{state: string, position: number, at: number}} playback of a party
 * @param {number} storeNow ms of the store's clock, as `client.storeNow()` returns it
 * @returns {number}
 */
export function positionAt(playback, storeNow) {
  const moved = playback.state === "playing" ? Math.max(0, storeNow - playback.at) / 1000 : 0;
  return Math.max(0, playback.position + moved);
}

/**
 * Return a position as people read it: "0:07", "3:07", "1:02:03". Whole seconds that have passed; no sign.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function clockText(seconds) {
  const whole = Number.isFinite(seconds) ? Math.max(0, Math.floor(seconds)) : 0;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
