/** Why something did not work, in the words of the page. Pure. */

const REASONS = {
  __proto__: null,
  not_connected: "notice.not_connected",
  lost: "notice.lost",
  store_unavailable: "notice.store_unavailable",
  recovering: "notice.store_unavailable",
  rate_limited: "notice.rate_limited",
  too_long: "notice.too_long",
  not_host: "notice.not_host",
  invalid_target: "notice.invalid_target",
  chat_locked: "notice.chat_locked",
  emoji_only: "notice.emoji_only",
};

/** The notice for a refusal; `names` has the `name` of whom the command was about. */
export function noticeOf(refusal, names, t) {
  // The server's "not connected" is about a guest, the client's own about this phone.
  if (refusal.reason === "not_connected" && names.name !== undefined && !refusal.local)
    return t("notice.target_away", names);
  return t(REASONS[refusal.reason] ?? "notice.failed");
}
