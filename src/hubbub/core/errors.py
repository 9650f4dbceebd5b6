"""One table of refusals: what is told to people and to programs when something is not done."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Reason(StrEnum):
    """The name of a refusal, for programs. Names are contract: never rename one."""

    BAD_REQUEST = "bad_request"
    BAD_FIELD = "bad_field"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    CODE_REQUIRED = "code_required"
    CODE_INVALID = "code_invalid"
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid"
    PARTY_NOT_FOUND = "party_not_found"
    PARTY_ENDED = "party_ended"
    PARTY_FULL = "party_full"
    PARTY_LOCKED = "party_locked"
    STORE_UNAVAILABLE = "store_unavailable"
    RECOVERING = "recovering"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_MESSAGE = "unknown_message"
    TOO_LONG = "too_long"
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a name
    NOT_JOINED = "not_joined"
    ALREADY_JOINED = "already_joined"
    NOT_HOST = "not_host"
    INVALID_TARGET = "invalid_target"
    NOT_CONNECTED = "not_connected"
    NO_TRACK = "no_track"
    NOT_EMOJI = "not_emoji"
    CHAT_LOCKED = "chat_locked"
    EMOJI_ONLY = "emoji_only"
    KICKED = "kicked"
    TIMED_OUT = "timed_out"
    TAKEN_OVER = "taken_over"
    TOO_MANY_WATCHERS = "too_many_watchers"
    RATE_LIMITED = "rate_limited"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    INTERNAL_ERROR = "internal_error"


class CloseCode(IntEnum):
    """Why a socket is closed. 4400-4499 tell the client to come back, 4500-4599 that it is final."""

    LEFT = 1000
    SERVICE_RESTART = 1012
    ENTER_TIMEOUT = 4400
    SLOW_CONSUMER = 4408
    TIMED_OUT = 4409
    PARTY_ENDED = 4503
    KICKED = 4504
    TAKEN_OVER = 4509
    ABUSE = 4513


CLOSE_CODES: Final[Mapping[Reason, CloseCode]] = MappingProxyType(
    {
        Reason.KICKED: CloseCode.KICKED,
        Reason.TIMED_OUT: CloseCode.TIMED_OUT,
        Reason.TAKEN_OVER: CloseCode.TAKEN_OVER,
        Reason.PARTY_ENDED: CloseCode.PARTY_ENDED,
        Reason.PARTY_NOT_FOUND: CloseCode.PARTY_ENDED,
    }
)
"""How a connection is closed that has lost its place."""


class Refusal(NamedTuple):
    """One row of the table.

    `sentence` is for people, `status` is the HTTP status, and `retryable` says whether the same request
    may succeed later without a change.
    """

    sentence: str
    status: int
    retryable: bool = False


REFUSALS: Final[Mapping[Reason, Refusal]] = MappingProxyType(
    {
        Reason.BAD_REQUEST: Refusal("The request body must be one JSON object", 400),
        Reason.BAD_FIELD: Refusal("A field is missing or does not hold what it should", 400),
        Reason.BODY_TOO_LARGE: Refusal("The request body is too large: at most 16 KiB are read", 413),
        Reason.BODY_TOO_SLOW: Refusal("The request body did not arrive in time: at most 5 s are waited", 408, True),
        Reason.CODE_REQUIRED: Refusal("Party code is required", 400),
        Reason.CODE_INVALID: Refusal("The party code must be text of six letters and digits", 400),
        Reason.IDEMPOTENCY_KEY_INVALID: Refusal(
            "Idempotency-Key must be 16 to 128 letters, digits, hyphens or underscores", 400
        ),
        Reason.PARTY_NOT_FOUND: Refusal("Party not found", 404),
        Reason.PARTY_ENDED: Refusal("This party has ended", 404),
        Reason.PARTY_FULL: Refusal("This party is full", 409),
        Reason.PARTY_LOCKED: Refusal("This party is locked: the host lets nobody new in", 423),
        Reason.STORE_UNAVAILABLE: Refusal("The party can't be reached right now: try again", 503, True),
        Reason.RECOVERING: Refusal("The store is being healed after a loss of data: try again", 503, True),
        Reason.BAD_MESSAGE: Refusal("A frame must be a JSON object with a type `t`, or an array of such objects", 400),
        Reason.UNKNOWN_MESSAGE: Refusal("There is no message of that type", 400),
        Reason.TOO_LONG: Refusal("A field is too long", 400),
        Reason.TOKEN_INVALID: Refusal("A token must be 22 to 64 letters, digits, hyphens or underscores", 400),
        Reason.NOT_JOINED: Refusal("Join a party first", 409),
        Reason.ALREADY_JOINED: Refusal("This connection is in a party already", 409),
        Reason.NOT_HOST: Refusal("Only the host can do that", 403),
        Reason.INVALID_TARGET: Refusal("There is no such guest", 404),
        Reason.NOT_CONNECTED: Refusal("That guest is not connected right now", 409),
        Reason.NO_TRACK: Refusal("Select a track first", 409),
        Reason.NOT_EMOJI: Refusal("A reaction must be one emoji", 400),
        Reason.CHAT_LOCKED: Refusal("Only the host may speak right now", 403),
        Reason.EMOJI_ONLY: Refusal("Guests may only react with emoji right now", 403),
        Reason.KICKED: Refusal("The host has removed you from this party", 403),
        Reason.TIMED_OUT: Refusal("Your seat was given up since you were away for too long", 410),
        Reason.TAKEN_OVER: Refusal("Your seat was taken over by another connection of yours", 409),
        Reason.TOO_MANY_WATCHERS: Refusal("This party has as many watchers as it may have", 429, True),
        Reason.RATE_LIMITED: Refusal("That was too much at once: at most 20 commands a second", 429, True),
        Reason.ORIGIN_NOT_ALLOWED: Refusal("Pages of that origin may not open this connection", 403),
        Reason.NOT_FOUND: Refusal("There is nothing at this address", 404),
        Reason.METHOD_NOT_ALLOWED: Refusal("This address does not take that method", 405),
        Reason.INTERNAL_ERROR: Refusal("Something went wrong on our side", 500, True),
    }
)

CREATE_STORE_UNAVAILABLE: Final = Refusal("Failed to create party in shared store", 500, True)
"""`store_unavailable` as a create tells it: sentence and status are those of the system that came before."""
