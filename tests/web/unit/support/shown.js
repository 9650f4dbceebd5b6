/** What models are made of: the app's state and the client's, with something harmless in every place. */

import { IDLE } from "../../../../src/hubbub/web/client/party_session.js";
import { partyOf } from "../../../../src/hubbub/web/core/party.js";
import { routeOf } from "../../../../src/hubbub/web/app/router.js";
import { MESSAGES as ENGLISH } from "../../../../src/hubbub/web/strings/en.js";
import { translator } from "../../../../src/hubbub/web/strings/translator.js";
import { CODE, room, TOKEN } from "./phone.js";

export const t = translator("en", ENGLISH);

/** The state of a client that is in a party as Ben; `party` has what is different about the party. */
export function inside({ party = {}, memberId = "ben", ...changes } = {}) {
  const shown = partyOf(room(5, party));
  const isHost = shown.hostId === memberId;
  return { ...IDLE, phase: "live", code: CODE, memberId, token: TOKEN, isHost, party: shown, ...changes };
}

/** What the app knows, at `path`. */
export function knowing({ path = `/p/${CODE}`, hash = "", ...changes } = {}) {
  return {
    route: routeOf(path, hash),
    entering: null,
    hadSeat: false,
    client: IDLE,
    lookup: { kind: "loading" },
    joinLink: null,
    messages: [],
    unread: 0,
    tab: null,
    name: "",
    askName: false,
    notice: null,
    recap: null,
    recaps: [],
    lastSeat: null,
    ...changes,
  };
}

/** A device of which everything can be had, but for what `changes` take away. */
export function device(changes = {}) {
  return { isSecure: true, canShare: true, canCopy: true, ...changes };
}

/** A recap as the phone keeps it. */
export function recap(changes = {}) {
  return {
    code: CODE,
    hostName: "Ann",
    isHost: false,
    cause: "host_left",
    endedAt: Date.UTC(2026, 10, 23, 12),
    seconds: 3600,
    guests: 12,
    messages: 340,
    reactions: 1,
    top: ["🎉", "🔥"],
    ...changes,
  };
}
