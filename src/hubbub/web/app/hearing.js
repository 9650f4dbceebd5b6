/** Gathers events for a moment, so that a screen reader says one thing of a crowd and not forty. */
import { heardText } from "../models/heard.js";

const GATHER_MS = 1500;

/** `hear(event, client)` gathers an event, `say(text)` a sentence; `onHeard(text)` is called once a moment. */
export function hearing(timers, say, onHeard) {
  let events = [];
  let sentences = [];
  let memberId = null;
  let names = new Map();
  let isWaiting = false;

  function flush() {
    isWaiting = false;
    const text = [...sentences, heardText(events, memberId, say)].filter((part) => part !== "").join(". ");
    events = [];
    sentences = [];
    if (text !== "") onHeard(text);
  }

  function later() {
    if (!isWaiting) timers.after(GATHER_MS, flush);
    isWaiting = true;
  }

  return {
    hear(event, client) {
      // Whoever left is not in the party any more, so the name is what the party before knew.
      events.push(event.t === "MEMBER_LEFT" ? { ...event, name: names.get(event.memberId) ?? "" } : event);
      names = new Map(client.party.members.map((member) => [member.id, member.name]));
      memberId = client.memberId;
      later();
    },
    say(text) {
      sentences.push(text);
      later();
    },
  };
}
