/** The roster. Pure. */

const HUES = 6;
// Firefox before 125 does not have it: there an emoji of several parts shows its first part.
const graphemes = Intl.Segmenter === undefined ? null : new Intl.Segmenter(undefined, { granularity: "grapheme" });
const rows = new WeakMap();

/** Return the rows: the host first, this phone second, then in the order of joining. */
export function peopleModel(client, t) {
  const { party, memberId, isHost } = client;
  const members = party.members.map((member) => rowOf(member, memberId, isHost));
  const unlisted = party.guestCount - party.members.filter((member) => member.connected && !member.isHost).length;
  return {
    title: t("people.title"),
    count: t("party.people", { n: party.guestCount }),
    rows: [
      ...members.filter((row) => row.rank < 2).sort((a, b) => a.rank - b.rank),
      ...members.filter((row) => row.rank === 2),
    ],
    more: unlisted > 0 ? t("people.more", { n: unlisted }) : null,
    empty: party.members.length < 2 && unlisted <= 0 ? t("people.nobody") : null,
  };
}

/** A member's row; the same object as long as nothing about it has changed, so that it need not be drawn again. */
function rowOf(member, memberId, viewerIsHost) {
  const known = rows.get(member);
  const isMe = member.id === memberId;
  const canManage = viewerIsHost && !member.isHost;
  if (known !== undefined && known.isMe === isMe && known.canManage === canManage) return known;
  const row = {
    id: member.id,
    name: member.name,
    isHost: member.isHost,
    connected: member.connected,
    isMe,
    canManage,
    rank: member.isHost ? 0 : isMe ? 1 : 2,
    initial: initialOf(member.name),
    hue: hueOf(member.id),
  };
  rows.set(member, row);
  return row;
}

/** The first sign of a name as people see it: a letter, or a whole emoji. */
export function initialOf(name) {
  const [first] = graphemes === null ? name : [...graphemes.segment(name)].map(({ segment }) => segment);
  return first === undefined ? "?" : first.toUpperCase();
}

/** A colour's number, 1 to 6, the same for an id on every phone. */
export function hueOf(id) {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.codePointAt(0)) % 65521;
  return (sum % HUES) + 1;
}
