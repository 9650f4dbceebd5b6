/** Looks up a party over HTTP before joining it. Absent and unreachable are different answers. */

const TIMEOUT_MS = 5000;
/** The status with which an instance says that it cannot ask its store. */
const STORE_AWAY = 503;
const FRESH_MS = 10_000;
const RETRY_MS = 2000;

/**
 * Look up a code: `{ kind: "found", party }`; `{ kind: "absent" }` only if the server said so; or
 * `{ kind: "unreachable", reason }` if there was no valid answer: "store_unavailable", "unreachable" or "offline".
 */
export async function lookUp(code) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(`/api/party/${code}`, { signal: abort.signal, cache: "no-store" });
    const party = response.ok ? await response.json() : null;
    if (party?.exists === true) return { kind: "found", party };
    // Anything else may be a proxy's or a hotel's login page: it does not prove that the party is absent.
    if (party?.exists === false) return { kind: "absent" };
    return { kind: "unreachable", reason: response.status === STORE_AWAY ? "store_unavailable" : "unreachable" };
  } catch {
    return { kind: "unreachable", reason: navigator.onLine ? "unreachable" : "offline" };
  } finally {
    clearTimeout(timer);
  }
}

/** Return the link of the party's QR code; the page's own address if that cannot be read. */
export async function joinLinkOf(code) {
  const own = `${location.origin}/p/${code}`;
  try {
    const response = await fetch(`/api/party/${code}/qr.svg`);
    if (!response.ok) return own;
    const picture = new DOMParser().parseFromString(await response.text(), "image/svg+xml");
    return picture.querySelector("desc")?.textContent || own;
  } catch {
    return own;
  }
}

/**
 * Repeat the lookup of a party while its link is on the screen: `start(code)`, `stop()`, `now()`.
 * `onLookup(lookup)` gets each answer.
 */
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
