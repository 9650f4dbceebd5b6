/** What was said, longer than the party itself keeps it. Pure. */

const KEPT_MAX = 200;

/** `kept` with the messages of a party that are not in it yet, the newest 200, by their times. */
export function withMessages(kept, messages) {
  const known = new Set(kept.map((message) => message.id));
  const fresh = messages.filter((message) => !known.has(message.id));
  if (fresh.length === 0) return kept;
  return [...kept, ...fresh].sort((a, b) => a.at - b.at).slice(-KEPT_MAX);
}
