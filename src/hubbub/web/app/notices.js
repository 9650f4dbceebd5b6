/** Notices: one sentence for a few seconds, such as the reason why something did not work. */

const NOTICE_MS = 5000;
/** How long a notice stays that tells more than one fact. */
export const LONG_NOTICE_MS = 12_000;

/** The notice for each reason that has its own. */
export const NOTICE_OF_REASON = {
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

/** Return the notice for a refusal; `names` has the `name` of the member that the command was about. Pure. */
export function noticeOf(refusal, names, t) {
  // The server's "not connected" is about a guest, the client's own about this phone.
  if (refusal.reason === "not_connected" && names.name !== undefined && !refusal.local)
    return t("notice.target_away", names);
  return t(NOTICE_OF_REASON[refusal.reason] ?? "notice.failed");
}

/** Shows one notice at a time: a later one replaces it and has its own time. */
export class Notifier {
  #timers;
  #state;
  #cancel = () => {};

  /** @param {object} state the app's state: `current`, `set(changes)`; gets the notice as its `notice` */
  constructor(timers, state) {
    this.#timers = timers;
    this.#state = state;
  }

  notify(text, ms = NOTICE_MS) {
    this.#cancel();
    this.#state.set({ notice: text });
    this.#cancel = this.#timers.after(ms, () => this.#state.set({ notice: null }));
  }
}
