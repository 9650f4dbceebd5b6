/** How long to wait before the next try. Jitter spreads those who lost their connection at the same time. */

const AT_ONCE_MS = 250;
const FIRST_MS = 500;
const MOST_MS = 10_000;
const GOING_AWAY_MS = 5_000;

/**
 * @param {object} loss
 * @param {number} loss.failures tries that have failed since the last connection that lasted
 * @param {boolean} [loss.goingAway] whether the instance said that it is about to stop (close code 1012)
 * @param {number} random from 0 to 1
 * @returns {number} ms
 */
export function waitMs({ failures, goingAway = false }, random) {
  return random * mostMs(failures, goingAway);
}

function mostMs(failures, goingAway) {
  if (failures > 0) return Math.min(MOST_MS, FIRST_MS * 2 ** (failures - 1));
  return goingAway ? GOING_AWAY_MS : AT_ONCE_MS;
}
