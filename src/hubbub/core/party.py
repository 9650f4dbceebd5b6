"""A party's document in the store, and the policy that it lives by."""

from enum import StrEnum
from typing import Final

import msgspec

DOCUMENT_SCHEMA: Final = 1


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
