/** The wall: a party on a TV or projector. Pure. */
import { hostName } from "../core/party.js";
import { bannerModel } from "./banner.js";
import { inviteModel } from "./invite.js";
import { chatModel } from "./chat.js";
import { musicModel } from "./music.js";
import { peopleModel } from "./people.js";

const LINES = 6;
const FACES = 24;

/** Return what the wall shows. */
export function wallModel(app, device, clocks, t) {
  const { client } = app;
  const people = peopleModel(client, t);
  const here = people.rows.filter((row) => row.connected);
  const music = musicModel(client, clocks.storeNow, t);
  const chat = chatModel(client, app.messages, t);
  return {
    heading: t("party.hostedBy", { host: hostName(client.party) ?? t("people.host") }),
    invite: inviteModel(client, app.joinLink, device, t),
    count: people.count,
    faces: here.slice(0, FACES),
    lines: chat.lines.slice(-LINES),
    quiet: chat.lines.length === 0 ? t("wall.quiet") : null,
    music: music.hasTrack ? music : null,
    locked: client.party.locked ? t("wall.locked") : null,
    banner: bannerModel(client, clocks.now, t),
  };
}
