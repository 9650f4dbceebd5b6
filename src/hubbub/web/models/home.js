/** The start, and the way in by a link. Pure. */
import { spaced } from "../core/code.js";

/** As many characters as the server keeps of a name. */
export const NAME_CHARS_MAX = 50;

/** The start: what this phone is called, the party it was in last, and what it keeps of earlier ones. */
export function homeModel(app, say) {
  const { lastSeat } = app;
  return {
    name: app.name,
    back:
      lastSeat === null
        ? null
        : {
            code: lastSeat.code,
            title: say("home.back", { code: spaced(lastSeat.code) }),
            text: lastSeat.isHost ? say("home.backYours") : say("home.backHosted", { host: lastSeat.hostName }),
          },
    recaps: app.recaps.map((recap) => ({
      code: recap.code,
      text: say("home.recapOf", { host: recap.hostName, day: say.day(recap.endedAt) }),
    })),
  };
}

/** The page behind a link: whose party, how many are there. */
export function linkModel(app, say) {
  const { party } = app.lookup;
  const host = party.hostName || say("people.host");
  return {
    code: app.route.code,
    title: say("link.of", { host }),
    count: party.guestCount === 0 ? say("link.first") : say("link.here", { n: party.guestCount }),
    hostAway: party.hostConnected ? null : say("link.hostAway", { host }),
    name: app.name,
  };
}
