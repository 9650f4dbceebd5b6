/** Announcements for screen readers: few sentences for many events. Pure. */

/** Return one announcement for `events`, as the member with `memberId` hears them; "" if there is nothing to say. */
export function announcementText(events, memberId, t) {
  const ofOthers = (type) =>
    events.filter((event) => event.t === type && event.member?.id !== memberId && event.memberId !== memberId);
  return t.sentences([
    joinedText(ofOthers("MEMBER_JOINED"), t),
    leftText(ofOthers("MEMBER_LEFT"), t),
    messagesText(ofOthers("MESSAGE"), t),
    ...events.map((event) => eventText(event, memberId, t)),
  ]);
}

function joinedText(events, t) {
  if (events.length === 0) return "";
  const first = events[0].member.name;
  if (events.length === 1) return t("announcement.joined", { first });
  return t("announcement.joined.more", { first, n: events.length - 1 });
}

function leftText(events, t) {
  if (events.length === 0) return "";
  const first = events[0].name;
  if (events.length === 1) return t("announcement.left", { first });
  return t("announcement.left.more", { first, n: events.length - 1 });
}

function messagesText(events, t) {
  if (events.length === 0) return "";
  const { name, text } = events.at(-1);
  if (events.length === 1) return t("announcement.said", { name, text });
  return t("announcement.said.more", { name, text, n: events.length - 1 });
}

function eventText(event, memberId, t) {
  switch (event.t) {
    case "HOST_CHANGED":
      if (event.hostId === memberId) return t("announcement.youHost");
      return t("announcement.host", { name: event.member.name });
    case "TRACK_SELECTED":
    case "TRACK_CHANGED":
      return t("announcement.playing", { track: event.filename });
    case "CHAT_MODE_SET":
      return t(`announcement.mode.${event.mode}`);
    case "LOCK_SET":
      return t(event.locked ? "announcement.locked" : "announcement.unlocked");
    default:
      return "";
  }
}
