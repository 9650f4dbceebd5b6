/** What a screen reader says of the events of the last moments: few words for many events. Pure. */

/** One polite announcement for `events`, as this phone's member hears them; empty where there is nothing to say. */
export function heardText(events, memberId, say) {
  const others = events.filter((event) => event.member?.id !== memberId && event.memberId !== memberId);
  return [
    crowd(
      others.filter((event) => event.t === "MEMBER_JOINED").map((event) => event.member.name),
      "heard.joined",
      say,
    ),
    crowd(
      others.filter((event) => event.t === "MEMBER_LEFT").map((event) => event.name),
      "heard.left",
      say,
    ),
    said(
      others.filter((event) => event.t === "MESSAGE"),
      say,
    ),
    ...events.map((event) => single(event, memberId, say)),
  ]
    .filter((text) => text !== "")
    .join(". ");
}

function crowd(names, key, say) {
  if (names.length === 0) return "";
  const [first, ...rest] = names;
  return rest.length === 0 ? say(key, { first }) : say(`${key}.more`, { first, n: rest.length });
}

function said(messages, say) {
  if (messages.length === 0) return "";
  const { name, text } = messages.at(-1);
  const last = say("heard.said", { name, text });
  return messages.length === 1 ? last : `${last}, ${say("heard.saidMore", { n: messages.length - 1 })}`;
}

function single(event, memberId, say) {
  switch (event.t) {
    case "HOST_CHANGED":
      return event.hostId === memberId ? say("heard.youHost") : say("heard.host", { name: event.member.name });
    case "TRACK_SELECTED":
    case "TRACK_CHANGED":
      return say("heard.playing", { track: event.filename });
    case "CHAT_MODE_SET":
      return say("heard.mode", { mode: say(`chat.mode.${event.mode}`) });
    case "LOCK_SET":
      return say(event.locked ? "heard.locked" : "heard.unlocked");
    default:
      return "";
  }
}
