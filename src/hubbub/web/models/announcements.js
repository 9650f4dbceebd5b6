/** What a screen reader says of the events of the last moments: few words for many events. Pure. */

/** One polite announcement for `events`, as this phone's member hears them; empty where there is nothing to say. */
export function announcementText(events, memberId, t) {
  const others = events.filter((event) => event.member?.id !== memberId && event.memberId !== memberId);
  return [
    crowd(
      others.filter((event) => event.t === "MEMBER_JOINED").map((event) => event.member.name),
      "heard.joined",
      t,
    ),
    crowd(
      others.filter((event) => event.t === "MEMBER_LEFT").map((event) => event.name),
      "heard.left",
      t,
    ),
    said(
      others.filter((event) => event.t === "MESSAGE"),
      t,
    ),
    ...events.map((event) => single(event, memberId, t)),
  ]
    .filter((text) => text !== "")
    .join(". ");
}

function crowd(names, key, t) {
  if (names.length === 0) return "";
  const [first, ...rest] = names;
  return rest.length === 0 ? t(key, { first }) : t(`${key}.more`, { first, n: rest.length });
}

function said(messages, t) {
  if (messages.length === 0) return "";
  const { name, text } = messages.at(-1);
  const last = t("heard.said", { name, text });
  return messages.length === 1 ? last : `${last}, ${t("heard.saidMore", { n: messages.length - 1 })}`;
}

function single(event, memberId, t) {
  switch (event.t) {
    case "HOST_CHANGED":
      return event.hostId === memberId ? t("heard.youHost") : t("heard.host", { name: event.member.name });
    case "TRACK_SELECTED":
    case "TRACK_CHANGED":
      return t("heard.playing", { track: event.filename });
    case "CHAT_MODE_SET":
      return t("heard.mode", { mode: t(`chat.mode.${event.mode}`) });
    case "LOCK_SET":
      return t(event.locked ? "heard.locked" : "heard.unlocked");
    default:
      return "";
  }
}
