/** Limits, reasons and close codes. `make docs` generates this file from `core/limits.py` and `core/errors.py`. */

export const CODE_LENGTH = 6;
export const NAME_CHARS_MAX = 50;
export const TOKEN_BITS = 128;
export const TOKEN_CHARS_MIN = 22;
export const TOKEN_CHARS_MAX = 64;
export const IDEMPOTENCY_SECONDS = 600;
export const SNAPSHOT_MESSAGES_MAX = 20;
export const FRAME_BYTES_MAX = 8192;
export const MESSAGE_OVERHEAD_BYTES_MAX = 1024;
export const MESSAGE_CHARS_MAX = 500;
export const FILENAME_CHARS_MAX = 500;

/** Why something was refused, as `ERROR.reason` and HTTP have it. */
export const REASONS = Object.freeze([
  "bad_request",
  "bad_field",
  "body_too_large",
  "body_too_slow",
  "code_required",
  "code_invalid",
  "idempotency_key_invalid",
  "party_not_found",
  "party_ended",
  "party_full",
  "party_locked",
  "store_unavailable",
  "recovering",
  "bad_message",
  "unknown_message",
  "too_long",
  "token_invalid",
  "not_joined",
  "already_joined",
  "not_host",
  "invalid_target",
  "not_connected",
  "no_track",
  "not_emoji",
  "chat_locked",
  "emoji_only",
  "kicked",
  "timed_out",
  "taken_over",
  "too_many_watchers",
  "rate_limited",
  "origin_not_allowed",
  "not_found",
  "method_not_allowed",
  "internal_error"
]);

export const CLOSE_CODES = Object.freeze({
  "LEFT": 1000,
  "SERVICE_RESTART": 1012,
  "ENTER_TIMEOUT": 4400,
  "SLOW_CONSUMER": 4408,
  "TIMED_OUT": 4409,
  "PARTY_ENDED": 4503,
  "KICKED": 4504,
  "TAKEN_OVER": 4509,
  "ABUSE": 4513
});

/** Close reasons after which a client must not reconnect by itself, by code. */
export const FINAL_CLOSE_REASONS = Object.freeze({
  "4503": "party_ended",
  "4504": "kicked",
  "4509": "taken_over",
  "4513": "abuse"
});

/** Whether a client must not reconnect by itself after `code`. */
export const isFinalCloseCode = (code) => code >= 4500 && code < 4600;
