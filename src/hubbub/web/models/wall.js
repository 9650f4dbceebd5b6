/** A party as a room sees it on a projector. Pure. */
import { hostName } from "../core/party.js";
import { bannerModel } from "./banner.js";
import { inviteModel } from "./invite.js";
import { chatModel } from "./chat.js";
import { musicModel } from "./music.js";
import { peopleModel } from "./people.js";

const LINES = 6;
const FACES = 24;

/** What the wall shows. */
export function wallModel(app, device, clocks, say) {
  const { client } = app;
  const people = peopleModel(client, say);
  const here = people.rows.filter((row) => row.connected);
  const music = musicModel(client, clocks.storeNow, say);
  const chat = chatModel(client, app.messages, say);
  return {
    heading: say("party.hostedBy", { host: hostName(client.party) ?? say("people.host") }),
    invite: inviteModel(client, app.joinLink, device, say),
    count: people.count,
    faces: here.slice(0, FACES),
    lines: chat.lines.slice(-LINES),
    quiet: chat.lines.length === 0 ? say("wall.quiet") : null,
    music: music.hasTrack ? music : null,
    locked: client.party.locked ? say("wall.locked") : null,
    banner: bannerModel(client, clocks.now, say),
  };
}
