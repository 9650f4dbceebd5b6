/** A party as a member sees it: the parts of its screen in one model. Pure. */
import { hostName } from "../core/party.js";
import { bannerModel } from "./banner.js";
import { chatModel } from "./chat.js";
import { inviteModel } from "./invite.js";
import { musicModel } from "./music.js";
import { peopleModel } from "./people.js";
import { shownTab, tabsOf } from "./screen.js";

/** Return what the party's screen shows. `clocks` has `now` (this device's) and `storeNow`, both in ms. */
export function partyModel(app, device, clocks, t) {
  const { client } = app;
  const me = client.party.members.find((member) => member.id === client.memberId);
  const tabs = tabsOf(client.isHost);
  const shown = shownTab(app.tab, client.isHost);
  const music = musicModel(client, clocks.storeNow, t);
  return {
    code: client.code,
    codeLabel: t("party.code", { code: [...client.code].join(" ") }),
    heading: client.isHost
      ? t("party.yours")
      : t("party.hostedBy", { host: hostName(client.party) ?? t("people.host") }),
    count: t("party.people", { n: client.party.guestCount }),
    link: client.phase === "live" ? { live: true, label: t("link.live") } : { live: false, label: t("link.lost") },
    isHost: client.isHost,
    myName: me?.name ?? app.name,
    nameCard: app.askName
      ? { title: t("name.ask"), text: me === undefined ? "" : t("name.asked", { name: me.name }) }
      : null,
    banner: bannerModel(client, clocks.now, t),
    tabs: tabs.map((id) => ({
      id,
      label: t(`tab.${id}`),
      chosen: id === shown,
      unread: id === "chat" && shown !== "chat" ? app.unread : 0,
    })),
    shown,
    invite: inviteModel(client, app.joinLink, device, t),
    people: peopleModel(client, t),
    chat: chatModel(client, app.messages, t),
    music,
    strip: !client.isHost && music.hasTrack ? music : null,
  };
}
