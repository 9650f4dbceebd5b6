"""What a party is: its code, its names, and the document the store keeps of it."""

import hashlib
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final
from unicodedata import category

import msgspec

from hubbub.core.limits import CODE_LENGTH, NAME_CHARS_MAX

CODE_ALPHABET: Final = "BCDFGHJKMNPQRSTVWXYZ23456789"
HOST_NAME_DEFAULT: Final = "Host"
DOCUMENT_SCHEMA: Final = 1

_CODE: Final = re.compile(rf"[A-Z0-9]{{{CODE_LENGTH}}}")
_MINUS_SIGN: Final = "\N{MINUS SIGN}"
_INVISIBLE: Final = frozenset("\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}")
DIRECTION_CONTROLS: Final = frozenset(
    "\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}"
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{RIGHT-TO-LEFT EMBEDDING}\N{POP DIRECTIONAL FORMATTING}"
    "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}"
    "\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT ISOLATE}\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
)
_JOINERS: Final = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


def _is_separator(char: str) -> bool:
    """Whether `char` is of the spaces and hyphens that people put between the characters of a code."""
    return char.isspace() or char in _INVISIBLE or char == _MINUS_SIGN or category(char) == "Pd"


def normalize_code(typed: str) -> str:
    """`typed` without what does not matter in a code: case, spaces and hyphens."""
    if typed.isascii():
        return typed.translate(_ASCII_SEPARATORS).upper()
    # Only ASCII is upper-cased: "ß".upper() is "SS", which nobody typed.
    kept = "".join(char for char in typed if not _is_separator(char))
    return "".join(char.upper() if char.isascii() else char for char in kept)


_ASCII_SEPARATORS: Final = {number: None for number in range(128) if _is_separator(chr(number))}


def is_code(text: str) -> bool:
    """Whether `text` is a code as the store knows it: six of `A-Z0-9`."""
    return _CODE.fullmatch(text) is not None


def parse_code(typed: str) -> str | None:
    """The code that a person meant by `typed`, or None where it cannot be a code at all."""
    squeezed = normalize_code(typed)
    return squeezed if is_code(squeezed) else None


def draw_code(choose: Callable[[Sequence[str]], str]) -> str:
    """A new code of the 28 unmistakable characters; `choose` picks one of them, unpredictably."""
    return "".join(choose(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def clean_name(name: str) -> str:
    """`name` as others see it: no control or direction characters, trimmed, at most 50 characters.

    A name with nothing to see in it comes back empty. Joiners stay, since emoji and several scripts need
    them; lone surrogates go, since they cannot be written as UTF-8.
    """
    kept = "".join(
        char
        for char in name
        if category(char) not in {"Cc", "Cs"} and char not in DIRECTION_CONTROLS and char not in _INVISIBLE
    )
    cut = kept.strip()[:NAME_CHARS_MAX].strip()
    return cut if cut.strip(_JOINERS) else ""


class ChatMode(StrEnum):
    """Who may speak: everybody, guests by emoji only, or the host alone."""

    OPEN = "OPEN"
    EMOJI_ONLY = "EMOJI_ONLY"
    LOCKED = "LOCKED"


class PartyPolicy(msgspec.Struct, frozen=True, array_like=True):
    """The lifetimes and the capacity of a party: those of the instance that created it, kept in the party.

    The document holds them as an array in this order, which saves a party 64 bytes of store memory.
    """

    ttl_seconds: int
    host_grace_seconds: int
    seat_hold_seconds: int
    capacity: int


class PartyDocument(msgspec.Struct, frozen=True, rename="camel"):
    """The JSON document under `party:CODE`, which operators read and scripts write.

    `created_at` is milliseconds of the store's clock. `id` is random and names this party among all that
    ever had its code. `seats` counts the taken ones, the host's and held ones included. `host_token` is
    the hash of the token that owns the host's seat.
    """

    created_at: int
    schema: int
    id: str
    host_id: str
    host_name: str
    host_token: str
    host_connected: bool
    guest_count: int
    seats: int
    chat_mode: ChatMode
    locked: bool
    terms: PartyPolicy

    @property
    def full(self) -> bool:
        """Whether every seat is taken."""
        return self.seats >= self.terms.capacity


class Lease(msgspec.Struct, frozen=True):
    """A connection's hold on a party: the seat it has, or that it watches where `member_id` is empty.

    `holder` is random and new for every attempt to enter, so that of two attempts with one token the store can tell
    which one has the seat. `token_hash` is that of the token which owns the seat, should the store forget it.
    """

    code: str
    member_id: str
    holder: str
    token_hash: str = ""


class ProvenPosition(msgspec.Struct, frozen=True):
    """What an instance knows of a party's position: enough for the store to see whether it still has that.

    `digest` is that of the last event (`event_digest`), empty where none is known.
    """

    epoch: str
    version: int
    digest: str


def event_digest(event: bytes) -> str:
    """What proves an event: its SHA-1 in hexadecimal, which scripts can make too."""
    return hashlib.sha1(event, usedforsecurity=False).hexdigest()


class JoinAttempt(msgspec.Struct, frozen=True):
    """What a connection brings to take a seat: the one that its token owns, else a new one with the id `new_id`.

    An empty name is one that the party is to choose.
    """

    code: str
    holder: str
    token_hash: str
    new_id: str
    name: str


class PartyDraft(msgspec.Struct, frozen=True):
    """A party about to be created: all of it but the store's time."""

    code: str
    id: str
    host_id: str
    host_name: str
    host_token_hash: str
    terms: PartyPolicy

    def document(self) -> bytes:
        """The draft as the JSON object that the store completes with `createdAt`."""
        return msgspec.json.encode(
            {
                "schema": DOCUMENT_SCHEMA,
                "id": self.id,
                "hostId": self.host_id,
                "hostName": self.host_name,
                "hostToken": self.host_token_hash,
                "hostConnected": False,
                "guestCount": 0,
                "seats": 1,
                "chatMode": ChatMode.OPEN,
                "locked": False,
                "terms": self.terms,
            }
        )
