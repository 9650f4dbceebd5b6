/** Gathers events for a moment, so that a screen reader speaks one sentence about forty guests and not forty. */
import { announcementText } from "../models/announcements.js";

const GATHER_MS = 1500;

/**
 * `meet(party)` learns what people are called, `hear(event, client)` gathers an event, `announce(text)` a sentence;
 * `onAnnounce(text)` is called once a moment. `forget()` leaves the party.
 */
export function announcer(timers, t, onAnnounce) {
  let events = [];
  let sentences = [];
  let memberId = null;
  let members = [];
  let names = new Map();
  let cancel = null;

  function flush() {
    cancel = null;
    const text = t.sentences([...sentences, announcementText(events, memberId, t)]);
    events = [];
    sentences = [];
    names = namesOf(members);
    if (text !== "") onAnnounce(text);
  }

  function later() {
    cancel ??= timers.after(GATHER_MS, flush);
  }

  return {
    meet(party) {
      if (party.members === members) return;
      members = party.members;
      // Members who have left keep their names until the announcement.
      names = new Map([...names, ...namesOf(members)]);
    },
    hear(event, client) {
      if (event.member !== undefined) names.set(event.member.id, event.member.name);
      events.push(event.t === "MEMBER_LEFT" ? { ...event, name: names.get(event.memberId) ?? "" } : event);
      memberId = client.memberId;
      later();
    },
    announce(text) {
      sentences.push(text);
      later();
    },
    forget() {
      cancel?.();
      cancel = null;
      events = [];
      sentences = [];
      members = [];
      names = new Map();
    },
  };
}

function namesOf(members) {
  return new Map(members.map((member) => [member.id, member.name]));
}
