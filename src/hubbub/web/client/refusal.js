/** Refusals: why something was not done. */

/** The reasons of the client's own refusals, with their sentences. */
export const LOCAL_SENTENCES = {
  not_connected: "There is no connection right now: nothing was sent",
  lost: "The connection was lost before the answer: it may have been done",
  closed: "The client was closed before the answer",
  too_long: "A field is too long",
  code_required: "Party code is required",
  party_not_found: "Party not found",
};

/**
 * Every promise of the client rejects with this. `reason` is for programs, `message` for people. If `retryable`, the
 * same may succeed later without a change. If `local`, it is the client's own.
 */
export class Refusal extends Error {
  constructor(reason, message, { retryable = false, local = false } = {}) {
    super(message ?? LOCAL_SENTENCES[reason] ?? reason);
    this.name = "Refusal";
    this.reason = reason;
    this.retryable = retryable;
    this.local = local;
  }
}

/** Make a refusal of the client's own. Only `not_connected` is retryable: after the others a repeat may act twice. */
export function localRefusal(reason) {
  return new Refusal(reason, undefined, { retryable: reason === "not_connected", local: true });
}

/** Make the refusal of an `ERROR` message. */
export function refusalOf(message) {
  return new Refusal(String(message.reason), text(message.error), { retryable: message.retryable === true });
}

/** Return `error` if it is a refusal. Throw any other error: it is a bug, and hidden it could not be found. */
export function refusalOnly(error) {
  if (error.reason === undefined) throw error;
  return error;
}

function text(value) {
  return typeof value === "string" ? value : undefined;
}
