/** The invitation. Pure. */

/** The code, its link and QR code, and what this device can do with them. */
export function inviteModel(client, joinLink, device, t) {
  const { code, party, isHost } = client;
  return {
    code,
    title: t("invite.title"),
    link: joinLink,
    address: joinLink === null ? "" : addressOf(joinLink),
    qr: `/api/party/${code}/qr.svg`,
    wall: `/p/${code}/wall`,
    canShare: device.canShare,
    canCopy: device.canCopy,
    note: lacksNote(device, isHost, t),
    lock: isHost ? { locked: party.locked } : null,
    locked: party.locked,
  };
}

/** What is typed into a browser to reach the page where codes are entered: the host alone. */
export function addressOf(link) {
  return new URL(link).host;
}

function lacksNote(device, needsWakeLock, t) {
  if (device.isSecure) return null;
  const lacks = [
    ...(needsWakeLock ? [t("plain.wake")] : []),
    ...(device.canShare ? [] : [t("plain.share")]),
    ...(device.canCopy ? [] : [t("plain.copy")]),
  ];
  return lacks.length === 0 ? null : t("plain.note", { lacks: t.list(lacks) });
}
