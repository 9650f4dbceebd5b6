"""Messages without a version: not stored, not replayed."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct


class Reaction(Struct, frozen=True, rename="camel", tag_field="t", tag="REACTION"):
    """A member reacted."""

    member_id: str
    name: str
    emoji: str


class Reactions(Struct, frozen=True, tag_field="t", tag="REACTIONS"):
    """Many reacted at about the same time: their reactions, counted."""

    counts: Annotated[Mapping[str, int], Meta(description="how often each emoji was sent")]


class Status(Struct, frozen=True, tag_field="t", tag="STATUS"):
    """How the server's link to its store is, so that a page can say what is true."""

    store: Literal["connected", "disconnected", "recovering"]


class KickedMessage(Struct, frozen=True, tag_field="t", tag="KICKED"):
    """The host has removed you; the connection is closed next."""
