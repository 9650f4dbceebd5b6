"""A party's document in the store, and the policy that it lives by."""

from enum import StrEnum
from typing import Final

import msgspec

DOCUMENT_SCHEMA: Final = 1


class ChatMode(StrEnum):
    """Who may send: everyone, guests only reactions, or only the host."""

    OPEN = "OPEN"
    EMOJI_ONLY = "EMOJI_ONLY"
    LOCKED = "LOCKED"


class PartyPolicy(msgspec.Struct, frozen=True, array_like=True):
    """The lifetimes and the capacity of a party, as set on the instance that created it.

    The document holds them as an array in this order, which saves 64 bytes of store memory per party. A new field
    goes to the end and needs a default.
    """

    ttl_seconds: int
    host_grace_seconds: int
    seat_hold_seconds: int
    capacity: int


class PartyDocument(msgspec.Struct, frozen=True, rename="camel"):
    """The JSON document under `party:CODE`, which operators read and scripts write.

    `created_at` is ms of the store's clock. `id` is random, since other parties may have had the same code. `seats`
    counts the taken seats, including the host's and held ones. `host_token` is the hash of the token that owns the
    first host's seat.

    A new field needs a default: instances of two versions share parties during a rolling deploy. Without a default,
    a party of the older version cannot be decoded. Unknown fields of a newer version are ignored.
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
    """A party to create: everything except the store's time."""

    code: str
    id: str
    host_id: str
    host_name: str
    host_token_hash: str
    terms: PartyPolicy

    def document(self) -> bytes:
        """Return the JSON object to which the store adds `createdAt`."""
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
