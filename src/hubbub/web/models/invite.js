/** How others get in. Pure. */

/** The code, its link and QR code, and what this device can do with them. */
export function inviteModel(client, joinLink, device, say) {
  const { code, party, isHost } = client;
  return {
    code,
    title: say("invite.title"),
    text: say("invite.text"),
    link: joinLink,
    address: joinLink === null ? "" : addressOf(joinLink),
    qr: `/api/party/${code}/qr.svg`,
    wall: `/p/${code}/wall`,
    canShare: device.canShare,
    canCopy: device.canCopy,
    note: lacksNote(device, isHost, say),
    lock: isHost ? { locked: party.locked } : null,
    locked: party.locked,
  };
}

/** What is typed into a browser to reach the page where codes are entered: the host alone. */
export function addressOf(link) {
  return new URL(link).host;
}

function lacksNote(device, needsWakeLock, say) {
  if (device.isSecure) return null;
  const lacks = [
    ...(needsWakeLock ? [say("plain.wake")] : []),
    ...(device.canShare ? [] : [say("plain.share")]),
    ...(device.canCopy ? [] : [say("plain.copy")]),
  ];
  return lacks.length === 0 ? null : say("plain.note", { lacks: lacks.join(", ") });
}
