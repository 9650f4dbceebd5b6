"""Two tables: refusals, and close codes of the WebSocket. Documents and JavaScript are generated from them."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from hubbub.core import limits


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
    """Why a WebSocket is closed; numbers below 4000 are IANA's (RFC 6455, section 7.4.1).

    After 4400 to 4499 a client reconnects; 4500 to 4599 are final. `CLOSINGS` explains each.
    """

    LEFT = 1000  # IANA: NORMAL_CLOSURE; the name is the close reason on the wire and stays
    SERVICE_RESTART = 1012
    ENTER_TIMEOUT = 4400
    SLOW_CONSUMER = 4408
    TIMED_OUT = 4409
    PARTY_ENDED = 4503
    KICKED = 4504
    TAKEN_OVER = 4509
    ABUSE = 4513


FINAL_CLOSE_CODES: Final = range(4500, 4600)
"""After one of these a client must not reconnect by itself, even if it does not know the code."""


class Closing(NamedTuple):
    """One row of the table of close codes.

    `meaning` is for people. If `is_final`, the client must not reconnect by itself. If `keeps_seat`, the seat of the
    connection is held for its guest.
    """

    meaning: str
    is_final: bool
    keeps_seat: bool


CLOSINGS: Final[Mapping[CloseCode, Closing]] = MappingProxyType(
    {
        CloseCode.LEFT: Closing("You left.", is_final=True, keeps_seat=False),
        CloseCode.SERVICE_RESTART: Closing(
            "This instance is going away: reconnect after a random wait of up to 5 s.", is_final=False, keeps_seat=True
        ),
        CloseCode.ENTER_TIMEOUT: Closing(
            f"You entered no party within {limits.ENTER_SECONDS_MAX:g} s.", is_final=False, keeps_seat=True
        ),
        CloseCode.SLOW_CONSUMER: Closing(
            f"You did not read fast enough: {limits.UNSENT_BYTES_MAX // 1024} KiB were unsent.",
            is_final=False,
            keeps_seat=True,
        ),
        CloseCode.TIMED_OUT: Closing(
            "You were away for longer than your seat is held: join again for a new one.",
            is_final=False,
            keeps_seat=False,
        ),
        CloseCode.PARTY_ENDED: Closing("The party has ended.", is_final=True, keeps_seat=False),
        CloseCode.KICKED: Closing("The host has removed you.", is_final=True, keeps_seat=False),
        CloseCode.TAKEN_OVER: Closing(
            "Another connection has taken your seat with your token.", is_final=True, keeps_seat=False
        ),
        CloseCode.ABUSE: Closing(
            f"You sent {limits.UNDECODABLE_FRAMES_MAX} undecodable frames,"
            f" or {limits.UNKNOWN_CODES_MAX} codes of no party.",
            is_final=True,
            keeps_seat=True,
        ),
    }
)

assert all(closing.is_final == (code in FINAL_CLOSE_CODES) for code, closing in CLOSINGS.items() if code >= 4000)

CLOSE_CODES: Final[Mapping[Reason, CloseCode]] = MappingProxyType(
    {
        Reason.KICKED: CloseCode.KICKED,
        Reason.TIMED_OUT: CloseCode.TIMED_OUT,
        Reason.TAKEN_OVER: CloseCode.TAKEN_OVER,
        Reason.PARTY_ENDED: CloseCode.PARTY_ENDED,
        Reason.PARTY_NOT_FOUND: CloseCode.PARTY_ENDED,
    }
)
"""The close code of a connection that lost its seat or its party, by reason."""


class Refusal(NamedTuple):
    """One row of the table.

    `sentence` is for people, `status` is the HTTP status, and `retryable` says whether the same request
    may succeed later without a change.
    """

    sentence: str
    status: int
    retryable: bool = False


_CODE_LENGTH: Final = {6: "six"}.get(limits.CODE_LENGTH, str(limits.CODE_LENGTH))

REFUSALS: Final[Mapping[Reason, Refusal]] = MappingProxyType(
    {
        Reason.BAD_REQUEST: Refusal("The request body must be one JSON object", 400),
        Reason.BAD_FIELD: Refusal("A field is missing or does not hold what it should", 400),
        Reason.BODY_TOO_LARGE: Refusal(
            f"The request body is too large: at most {limits.BODY_BYTES_MAX // 1024} KiB are read", 413
        ),
        Reason.BODY_TOO_SLOW: Refusal(
            f"The request body did not arrive in time: at most {limits.BODY_SECONDS_MAX:g} s are waited", 408, True
        ),
        Reason.CODE_REQUIRED: Refusal("Party code is required", 400),
        Reason.CODE_INVALID: Refusal(f"The party code must be text of {_CODE_LENGTH} letters and digits", 400),
        Reason.IDEMPOTENCY_KEY_INVALID: Refusal(
            f"Idempotency-Key must be {limits.IDEMPOTENCY_KEY_CHARS_MIN} to {limits.IDEMPOTENCY_KEY_CHARS_MAX}"
            " letters, digits, hyphens or underscores",
            400,
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
        Reason.TOKEN_INVALID: Refusal(
            f"A token must be {limits.TOKEN_CHARS_MIN} to {limits.TOKEN_CHARS_MAX}"
            " letters, digits, hyphens or underscores",
            400,
        ),
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
        Reason.RATE_LIMITED: Refusal(
            f"That was too much at once: at most {limits.COMMANDS_PER_SECOND_MAX} commands a second", 429, True
        ),
        Reason.ORIGIN_NOT_ALLOWED: Refusal("Pages of that origin may not open this connection", 403),
        Reason.NOT_FOUND: Refusal("There is nothing at this address", 404),
        Reason.METHOD_NOT_ALLOWED: Refusal("This address does not take that method", 405),
        Reason.INTERNAL_ERROR: Refusal("Something went wrong on our side", 500, True),
    }
)

CREATE_STORE_UNAVAILABLE: Final = Refusal("Failed to create party in shared store", 500, True)
"""`store_unavailable` of a create: sentence and status come from the system that Hubbub replaces."""
