/** Which screen and which tab to show, and what the status screens say. Pure. */

const HOST_TABS = ["invite", "chat", "people", "music"];
const GUEST_TABS = ["chat", "people", "invite"];

const TYPED_CHARS_MAX = 24;

/** Per kind: icon, tone, whether the app is still trying, and the buttons. */
const STATUS_SCREENS = {
  starting: ["spark", "wait", true, ["cancel"]],
  connecting: ["door", "wait", true, ["cancel"]],
  opening: ["eye", "wait", true, []],
  looking: ["search", "wait", true, []],
  store_away: ["cloud", "warn", true, ["again", "home"]],
  unreachable: ["signal", "warn", true, ["again", "home"]],
  offline: ["plane", "warn", true, ["home"]],
  busy: ["hourglass", "warn", true, ["home"]],
  watchers: ["wall", "warn", true, ["home"]],
  not_found: ["lens", "stop", false, ["other", "again"]],
  not_a_code: ["lens", "stop", false, ["other"]],
  gone: ["leaf", "end", false, ["home"]],
  ended: ["moon", "end", false, ["home"]],
  full: ["crowd", "stop", false, ["again", "home"]],
  locked: ["lock", "stop", false, ["again", "home"]],
  kicked: ["out", "stop", false, ["home"]],
  taken_over: ["tabs", "wait", false, ["takeBack", "home"]],
  abuse: ["plug", "stop", false, ["reload"]],
  refused: ["hand", "stop", false, ["again", "home"]],
};

// These have a title only.
const WITHOUT_TEXT = new Set(["opening", "looking"]);

/** The status screen for each reason that has its own. */
export const STATUS_OF_REASON = {
  party_not_found: "not_found",
  party_ended: "ended",
  party_full: "full",
  party_locked: "locked",
  kicked: "kicked",
  taken_over: "taken_over",
  abuse: "abuse",
  store_unavailable: "store_away",
  recovering: "store_away",
  internal_error: "store_away",
  rate_limited: "busy",
  too_many_watchers: "watchers",
  offline: "offline",
  unreachable: "unreachable",
};

/**
 * Return the screen for the app's state: `{ name }`. A status screen is named `door`, as in the page's `data-screen`,
 * and has a `kind`.
 *
 * Absent and unreachable never share a screen: `not_found` is shown only if the server said so.
 */
export function screenOf(app) {
  if (app.route.name === "recap") return { name: app.recap === null ? "home" : "recap" };
  if (app.entering === null) return screenOutside(app);
  const { client } = app;
  if (client.over !== null) return screenAfter(app);
  if (client.party !== null) return { name: client.watching ? "wall" : "party" };
  if (client.trouble !== null) return door(STATUS_OF_REASON[client.trouble.reason] ?? "unreachable");
  return door({ create: "starting", join: "connecting", watch: "opening" }[app.entering]);
}

function screenOutside(app) {
  const { route, lookup } = app;
  if (route.name === "home") return { name: "home" };
  if (route.code === null) return door("not_a_code");
  switch (lookup.kind) {
    case "found":
      if (lookup.party.locked) return door("locked");
      return lookup.party.full ? door("full") : { name: "link" };
    case "absent":
      return app.recap === null ? door("not_found") : { name: "recap" };
    case "unreachable":
      return door(STATUS_OF_REASON[lookup.reason]);
    default:
      return door("looking");
  }
}

function screenAfter(app) {
  const { over } = app.client;
  const isOver = over.recap !== undefined || ["party_ended", "party_not_found"].includes(over.reason);
  if (isOver && app.recap !== null) return { name: "recap" };
  if (over.reason === "left") return { name: "home" };
  if (over.reason === "party_not_found" && (app.hadSeat || app.client.party !== null)) return door("gone");
  return door(STATUS_OF_REASON[over.reason] ?? "refused");
}

function door(kind) {
  return { name: "door", kind };
}

/** Return what a status screen shows: icon, tone, texts, the code it is about, and the buttons. */
export function statusModel(kind, app, t) {
  const [glyph, tone, busy, actions] = STATUS_SCREENS[kind];
  // A link may contain any text. Without this, the page would show a stranger's long text as its own.
  const typed = (app.route.typed ?? "").slice(0, TYPED_CHARS_MAX);
  return {
    kind,
    glyph,
    tone,
    busy,
    title: t(`door.${kind}.title`),
    text: WITHOUT_TEXT.has(kind) ? "" : t(`door.${kind}.text`, { code: typed }),
    code: app.route.code,
    actions: actions.map((id) => ({ id, label: t(`door.action.${id}`) })),
  };
}

/** Return the tabs of a host or a guest; the first one is shown first. */
export function tabsOf(isHost) {
  return isHost ? HOST_TABS : GUEST_TABS;
}

/** Return the tab to show if `tab` (or null) was chosen last. */
export function shownTab(tab, isHost) {
  const tabs = tabsOf(isHost);
  return tabs.includes(tab) ? tab : tabs[0];
}
