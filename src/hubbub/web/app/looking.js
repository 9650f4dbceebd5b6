/** Looks at a party from outside, again and again, as long as its link is on the screen. */

const FRESH_MS = 10_000;
const RETRY_MS = 2000;

/** `start(code)`, `stop()`, `now()`; `onLookup(lookup)` gets each answer. */
export function watchLookup(lookUp, timers, onLookup) {
  let cancel = () => {};
  let round = 0;
  let looked = null;

  async function look() {
    const mine = round;
    const lookup = await lookUp(looked);
    if (mine !== round) return;
    onLookup(lookup);
    if (lookup.kind === "absent") return;
    cancel = timers.after(lookup.kind === "found" ? FRESH_MS : RETRY_MS, look);
  }

  return {
    start(code) {
      this.stop();
      looked = code;
      look();
    },
    stop() {
      cancel();
      round += 1;
      looked = null;
    },
    now() {
      if (looked === null) return;
      cancel();
      round += 1;
      look();
    },
  };
}
