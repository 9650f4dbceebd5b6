"""One table of refusals: what is told to people and to programs when something is not done."""

from collections.abc import Mapping
from enum import StrEnum
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
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    INTERNAL_ERROR = "internal_error"


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
        Reason.BAD_FIELD: Refusal("A field has the wrong type", 400),
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
        Reason.NOT_FOUND: Refusal("There is nothing at this address", 404),
        Reason.METHOD_NOT_ALLOWED: Refusal("This address does not take that method", 405),
        Reason.INTERNAL_ERROR: Refusal("Something went wrong on our side", 500, True),
    }
)

CREATE_FAILED: Final = Refusal("Failed to create party in shared store", 500, True)
"""`store_unavailable` as a create tells it: sentence and status are those of the system that came before."""
