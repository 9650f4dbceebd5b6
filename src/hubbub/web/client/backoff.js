/** How long to wait before the next try. Jitter spreads those who lost their connection at the same time. */

const AT_ONCE_MS = 250;
const FIRST_MS = 500;
const MAX_MS = 10_000;
const RESTART_MS = 5_000;

/**
 * @param {object} loss
 * @param {number} loss.failures tries that have failed since the last connection that lasted
 * @param {boolean} [loss.isRestart] whether the instance said that it is about to stop (close code 1012)
 * @param {number} random from 0 to 1
 * @returns {number} ms
 */
export function waitMs({ failures, isRestart = false }, random) {
  return random * maxMs(failures, isRestart);
}

function maxMs(failures, isRestart) {
  if (failures > 0) return Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1));
  return isRestart ? RESTART_MS : AT_ONCE_MS;
}
