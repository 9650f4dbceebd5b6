/** The home screen and the page of a link. Pure. */
import { spaced } from "../core/code.js";

/** Return what the home screen shows: this phone's name, the party it was in last, and the recaps. */
export function homeModel(app, t) {
  const { lastSeat } = app;
  return {
    name: app.name,
    back:
      lastSeat === null
        ? null
        : {
            code: lastSeat.code,
            title: t("home.back", { code: spaced(lastSeat.code) }),
            text: lastSeat.isHost ? t("home.backYours") : t("home.backHosted", { host: lastSeat.hostName }),
          },
    recaps: app.recaps.map((recap) => ({
      code: recap.code,
      text: t("home.recapOf", { host: recap.hostName, day: t.day(recap.endedAt) }),
    })),
  };
}

/** Return what the page of a link shows: whose party, how many are there. */
export function linkModel(app, t) {
  const { party } = app.lookup;
  const host = party.hostName || t("people.host");
  return {
    code: app.route.code,
    title: t("link.of", { host }),
    count: party.guestCount === 0 ? t("link.first") : t("link.here", { n: party.guestCount }),
    hostAway: party.hostConnected ? null : t("link.hostAway", { host }),
    name: app.name,
  };
}
