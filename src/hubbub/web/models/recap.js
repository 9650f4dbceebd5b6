/** What is left of a party. Pure. */

/** The recap's words and figures. */
export function recapModel(recap, say) {
  return {
    code: recap.code,
    title: say("recap.title"),
    cause: causeText(recap, say),
    lasted: { figure: durationText(recap.seconds, say), label: say("recap.lasted") },
    figures: ["guests", "messages", "reactions"].map((id) => ({
      id,
      figure: say.number(recap[id]),
      label: say(`recap.${id}`, { n: recap[id] }),
    })),
    top: recap.top,
    heading: say("party.hostedBy", { host: recap.hostName }),
    day: say.day(recap.endedAt),
  };
}

function causeText(recap, say) {
  if (recap.cause === "host_timeout") return say("recap.host_timeout");
  return recap.isHost ? say("recap.yours") : say("recap.host_left", { host: recap.hostName });
}

/** A length of time as people say it: "42 seconds", "12 minutes", "3 h 5 min". */
export function durationText(seconds, say) {
  if (seconds < 60) return say("time.seconds", { n: seconds });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return say("time.minutes", { n: minutes });
  return say("time.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
}
