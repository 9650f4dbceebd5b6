/** Why something was not done. */

/** The reasons of the client's own refusals, with their sentences. */
export const LOCAL_SENTENCES = {
  not_connected: "There is no connection right now: nothing was sent",
  lost: "The connection was lost before the answer: it may have been done",
  closed: "This client was told to let go before the answer",
  too_long: "A field is too long",
  code_required: "Party code is required",
  party_not_found: "Party not found",
};

/**
 * What a promise of the client rejects with. `reason` is for programs, `message` for people. `retryable`
 * tells whether the same may succeed later without a change, `local` whether the client itself said so.
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

/** A refusal of the client's own. Only after `not_connected` a repeat cannot do a thing twice. */
export function localRefusal(reason) {
  return new Refusal(reason, undefined, { retryable: reason === "not_connected", local: true });
}

/** The refusal that an `ERROR` message tells. */
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
