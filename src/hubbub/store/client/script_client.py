"""How scripts are called, wherever their keys lie: what one server and a cluster have in common."""

from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal, Protocol

from hubbub.core.clock import ClockOffset
from hubbub.store.replies import Reply
from hubbub.store.scripts import Script

THE_SHARD: Final = "0"
"""The tag of the one shard of a store that is not a cluster."""


class Marker(Enum):
    """Stands for an argument that is known only when the call is sent."""

    NOT_AFTER = "the deadline by the clock of the very server that runs the script, ms"


NOT_AFTER: Final = Marker.NOT_AFTER
Argument = str | bytes | int | Literal[Marker.NOT_AFTER]


class ScriptClient(Protocol):
    """Script calls to the primaries of a store.

    A shard is one primary and what it may lose alone. Its tag, in braces in a key's name, puts the key there.
    """

    @property
    def last_clock(self) -> ClockOffset | None:
        """What was last known of the clock of any server, be it away since: good enough to tell the time."""

    async def call(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        deadline: float,
        *,
        probing: bool = False,
    ) -> Reply:
        """Run `script` where its keys lie and return its reply by `deadline` (loop time).

        Raises `StoreUnavailableError`.

        All keys lie together, and there is at least one. `NOT_AFTER` may be the first argument. A server that is known
        to be away is asked only by calls that are `probing`; others fail at once.
        """

    def shards(self) -> Sequence[str]:
        """The tags of all shards."""

    def shard_of(self, key: str) -> str:
        """The tag of the shard that has the key."""
