"""Field types of messages, with their bounds and descriptions."""

from typing import Annotated, Final

from msgspec import Meta

from hubbub.core.limits import (
    FILENAME_CHARS_MAX,
    NAME_CHARS_MAX,
    POSITION_SECONDS_MAX,
    SOCKET_REQUEST_ID_CHARS_MAX,
    TOKEN_CHARS_MAX,
    TOKEN_CHARS_MIN,
)

PROTOCOL_VERSION: Final = 1

SAFE_INTEGER_MAX: Final = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""

RequestId = (
    Annotated[str, Meta(max_length=SOCKET_REQUEST_ID_CHARS_MAX)]
    | Annotated[int, Meta(ge=-SAFE_INTEGER_MAX, le=SAFE_INTEGER_MAX)]
)
Token = Annotated[
    str,
    Meta(
        min_length=TOKEN_CHARS_MIN,
        max_length=TOKEN_CHARS_MAX,
        pattern=r"^[A-Za-z0-9_-]*$(?!\n)",  # Python's $ alone lets a last line break pass
        description="the secret that owns the seat; without one, the server makes one",
    ),
]
Filename = Annotated[str, Meta(min_length=1, max_length=FILENAME_CHARS_MAX)]
Seconds = Annotated[float, Meta(ge=0, le=POSITION_SECONDS_MAX, description="seconds from the track's beginning")]
StoreMs = Annotated[int, Meta(description="ms of the store's clock")]

# These only add descriptions to the generated documents.
TypedCode = Annotated[str, Meta(description="as people type it; case, spaces and hyphens do not matter")]
TypedName = Annotated[str, Meta(description=f"control characters go, {NAME_CHARS_MAX} characters stay")]
ExpiresAt = Annotated[int, Meta(description="ms of the store's clock; every sign of life puts it off")]
ConnectedGuests = Annotated[int, Meta(description="the connected guests")]
