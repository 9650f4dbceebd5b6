/** The banner above a party: what is wrong right now. Pure. */

import { hostName } from "../core/party.js";

/** Losses shorter than this show no banner, only the dot in the head. */
export const QUIET_MS = 2000;

/** Return what the banner says at `now` (ms of this device's clock), or null if all is well. */
export function bannerModel(client, now, t) {
  if (client.phase !== "live") return lost(client, now, t);
  if (client.store === "disconnected") return { tone: "warn", text: t("banner.store_away"), action: null };
  if (client.store === "recovering") return { tone: "warn", text: t("banner.recovering"), action: null };
  if (!client.party.hostConnected && !client.isHost) {
    const host = hostName(client.party) ?? t("people.host");
    return { tone: "wait", text: t("banner.hostAway", { host }), action: null };
  }
  return null;
}

function lost(client, now, t) {
  const reason = client.trouble?.reason;
  if (reason === "offline") return { tone: "warn", text: t("banner.offline"), action: null };
  if (client.lostAt === null || now - client.lostAt < QUIET_MS) return null;
  // A wall that lost its connection to a party that was locked meanwhile.
  if (reason === "party_locked") return { tone: "wait", text: t("wall.locked"), action: null };
  const action = { id: "tryNow", label: t("banner.tryNow") };
  if (reason === "store_unavailable") return { tone: "warn", text: t("banner.store_away"), action };
  if (reason === "recovering") return { tone: "warn", text: t("banner.recovering"), action };
  return { tone: "warn", text: t("banner.reconnecting"), action };
}
