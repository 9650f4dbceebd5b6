/** The parts of a party that are tabs on a phone. Pure, and small: loaded before the party's screen. */

const HOST_TABS = ["invite", "chat", "people", "music"];
const GUEST_TABS = ["chat", "people", "invite"];

/** The tabs of a host or a guest, the first one first shown. */
export function tabsOf(isHost) {
  return isHost ? HOST_TABS : GUEST_TABS;
}

/** The tab that is on the screen where `tab` was chosen last, or null. */
export function shownTab(tab, isHost) {
  const tabs = tabsOf(isHost);
  return tabs.includes(tab) ? tab : tabs[0];
}
