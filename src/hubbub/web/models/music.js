/** The track that plays. Pure. */
import { clockText, positionAt } from "../core/playback.js";

/** The track, where it stands at `storeNow` (ms of the store's clock), and what comes next. */
export function musicModel(client, storeNow, t) {
  const { playback } = client.party;
  const hasTrack = playback.track !== null;
  return {
    title: t("music.title"),
    track: playback.track ?? t("music.nothing"),
    hasTrack,
    playing: playback.state === "playing",
    status: hasTrack ? t(`music.${playback.state}`) : "",
    clock: hasTrack ? clockText(positionAt(playback, storeNow)) : "",
    next: playback.nextTrack,
    canControl: client.isHost,
  };
}
