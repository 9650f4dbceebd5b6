/**
 * A party as a client knows it, and what each event does to it. Mirrors the server's `apply_event`: tests compare both
 * with tests/vectors/apply_event.json.
 *
 * A party is the snapshot of a `ROOM` with its `epoch` and `version`. It is never changed: an event makes a
 * new one that shares what the event did not change. If `before.members[3] === after.members[3]`, there is nothing to
 * draw.
 */

import { SNAPSHOT_MESSAGES_MAX } from "./contract.js";

/**
 * Return the party of a `ROOM` message.
 *
 * @param {{epoch: string, version: number, snapshot: object}} room
 * @returns {object} `{epoch, version, ...snapshot}`
 */
export function partyOf(room) {
  const { members, messages, playback, ...rest } = room.snapshot;
  return Object.freeze({
    epoch: room.epoch,
    version: room.version,
    ...rest,
    playback: Object.freeze({ ...playback }),
    members: Object.freeze(members.map(Object.freeze)),
    messages: Object.freeze(messages.map(Object.freeze)),
  });
}

/**
 * Return the party after an event that `follows` it. An event of an unknown kind changes the version alone.
 *
 * @param {object} party
 * @param {object} event has `t` and `version`
 * @returns {object}
 */
export function applyEvent(party, event) {
  const change = CHANGES[event.t];
  const counted = COUNTING.has(event.t) ? { guestCount: event.guestCount } : {};
  return Object.freeze({ ...party, ...counted, ...change?.(party, event), version: event.version });
}

/**
 * Compare an event with the party: it comes "next", is "old", or has a "gap" before it.
 *
 * @param {object} party
 * @param {object} event has `version`; `from` too if it stands for several (`GUEST_COUNT`)
 * @returns {"next" | "old" | "gap"}
 */
export function follows(party, event) {
  if (event.version <= party.version) return "old";
  return (event.from ?? event.version) <= party.version + 1 ? "next" : "gap";
}

const COUNTING = new Set(["MEMBER_JOINED", "MEMBER_LEFT", "MEMBER_UPDATED", "HOST_CHANGED", "GUEST_COUNT"]);

const CHANGES = {
  __proto__: null,
  MEMBER_JOINED: (party, { member }) => ({ members: frozen([...party.members, Object.freeze(member)]) }),
  MEMBER_LEFT: (party, { memberId }) => ({
    members: frozen(party.members.filter(({ id }) => id !== memberId)),
  }),
  MEMBER_UPDATED: (party, { member }) => ({
    members: withMember(party.members, member),
    ...(member.isHost ? { hostConnected: member.connected } : {}),
  }),
  HOST_CHANGED: (party, { member }) => ({
    hostId: member.id,
    hostConnected: member.connected,
    members: withMember(party.members.map(asGuest), member),
  }),
  CHAT_MODE_SET: (_, { mode }) => ({ chatMode: mode }),
  LOCK_SET: (_, { locked }) => ({ locked }),
  PLAY: (party, { position, at }) => playing(party, { state: "playing", position, at }),
  PAUSE: (party, { position, at }) => playing(party, { state: "paused", position, at }),
  TRACK_SELECTED: (party, { filename, at }) => playing(party, { state: "stopped", track: filename, position: 0, at }),
  NEXT_TRACK_QUEUED: (party, { filename }) => playing(party, { nextTrack: filename }),
  TRACK_CHANGED: (party, { filename, nextFilename, at }) =>
    playing(party, { track: filename, nextTrack: nextFilename, position: 0, at }),
  MESSAGE: (party, { id, memberId, name, text, at }) => {
    const message = Object.freeze({ id, memberId, name, text, at });
    return { messages: frozen([...party.messages, message].slice(-SNAPSHOT_MESSAGES_MAX)) };
  },
};

function asGuest(member) {
  return member.isHost ? Object.freeze({ ...member, isHost: false }) : member;
}

/** Return the members with `member` in its old place, or at the end if it is new. */
function withMember(members, member) {
  const place = members.findIndex(({ id }) => id === member.id);
  const changed = [...members];
  changed[place < 0 ? members.length : place] = Object.freeze(member);
  return frozen(changed);
}

function playing(party, changes) {
  return { playback: Object.freeze({ ...party.playback, ...changes }) };
}

function frozen(list) {
  return Object.freeze(list);
}

/** Return the name of the party's host, or null if that seat is not listed. */
export function hostName(party) {
  return party.members.find((member) => member.id === party.hostId)?.name ?? null;
}
