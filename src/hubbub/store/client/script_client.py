"""The interface for script calls, which one server and a cluster share."""

from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal, Protocol

from hubbub.core.clock import ClockOffset
from hubbub.store.replies import Reply
from hubbub.store.scripts import Script

THE_SHARD: Final = "0"
"""The tag of the single shard of a store that is not a cluster."""


class Marker(Enum):
    """Stands for an argument that is computed when the call is sent."""

    NOT_AFTER = "the deadline in ms, by the clock of the server that runs the script"


NOT_AFTER: Final = Marker.NOT_AFTER
Argument = str | bytes | int | Literal[Marker.NOT_AFTER]


class ScriptClient(Protocol):
    """Runs scripts on the primaries of a store.

    A shard is the part of the keys that one primary has. A shard's tag in a key's braces puts the key on that shard.
    """

    @property
    def last_clock(self) -> ClockOffset | None:
        """Return the last known clock of any server. It may be outdated if that server is unreachable."""

    async def call(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        deadline: float,
        *,
        probing: bool = False,
    ) -> Reply:
        """Run `script` on the primary of its keys and return its reply by `deadline` (loop time).

        There is at least one key, and all keys are in one slot. `NOT_AFTER` may be the first argument. While the
        circuit breaker is open, only `probing` calls are sent; others raise `StoreUnavailableError` at once.
        """

    def shards(self) -> Sequence[str]:
        """Return the tags of all shards."""

    def shard_of(self, key: str) -> str:
        """Return the tag of the shard that has the key."""
