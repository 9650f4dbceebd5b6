"""Positions in a party's history, and what proves them.

A version numbers the changes of one epoch. A store that lost data gives the same versions out again: if events 1, 2, 3
are lost and 1, 2 follow, an instance at version 2 cannot tell the two apart. The digest of event 2 can.
"""

import hashlib

import msgspec


class ProvenPosition(msgspec.Struct, frozen=True):
    """A party's position as an instance knows it, with a proof that the store compares with its own log.

    `digest` is the `event_digest` of the last event, empty if the instance does not have that event.
    """

    epoch: str
    version: int
    digest: str


def event_digest(event: bytes) -> str:
    """Return the SHA-1 of an encoded event in hexadecimal, which Lua scripts can compute too."""
    return hashlib.sha1(event, usedforsecurity=False).hexdigest()
