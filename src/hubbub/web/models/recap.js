/** The recap of a party that ended. Pure. */

/** Return the recap's texts and figures. */
export function recapModel(recap, t) {
  return {
    code: recap.code,
    title: t("recap.title"),
    cause: causeText(recap, t),
    lasted: {
      figure: durationText(recap.seconds, t),
      label: t("recap.lastedLabel"),
      text: t("recap.lasted", { time: durationText(recap.seconds, t) }),
    },
    figures: ["guests", "messages", "reactions"].map((id) => ({
      id,
      figure: t.number(recap[id]),
      label: t(`recap.${id}`, { n: recap[id] }),
    })),
    top: recap.top,
    heading: t("party.hostedBy", { host: recap.hostName }),
    day: t.day(recap.endedAt),
  };
}

function causeText(recap, t) {
  if (recap.cause === "host_timeout") return t("recap.host_timeout");
  return recap.isHost ? t("recap.yours") : t("recap.host_left", { host: recap.hostName });
}

/** Return a length of time as people say it: "42 seconds", "12 minutes", "3 h 5 min". */
export function durationText(seconds, t) {
  if (seconds < 60) return t("time.seconds", { n: seconds });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t("time.minutes", { n: minutes });
  return t("time.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
}
