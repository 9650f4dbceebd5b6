"""Whether the store still has all that it had: the life of each shard's data, as this instance remembers it.

Every shard keeps an id and a beat (`generation.lua`). An id that is gone or another one, or a counter lower than
remembered, means that data was lost: by a store that came back empty or older, or by a failover. Until those who
had phones in its parties have written them back, nothing is known to be absent from it.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import msgspec

from hubbub.core.limits import ID_BYTES, PROBE_BUDGET_SECONDS, PROBE_INTERVAL_SECONDS, RECOVERING_SECONDS
from hubbub.store import keys, scripts
from hubbub.store.client.script_client import ScriptClient
from hubbub.store.health import StoreHealth
from hubbub.store.port import StoreUnavailableError, store_recovering_error


class _Generation(msgspec.Struct, frozen=True):
    """What is remembered of a shard's life."""

    id: str
    counter: int


_NOTHING = _Generation("", 0)


class DataLossDetector:
    """The life of each shard. `healing` are the shards that this instance is writing back."""

    def __init__(self, client: ScriptClient, health: StoreHealth) -> None:
        self._client = client
        self._health = health
        self._known: dict[str, _Generation] = {}
        self._recovering: set[str] = set()
        self._listeners: list[Callable[[str], None]] = []
        self.healing: set[str] = set()
        self.has_local_state: Callable[[], bool] = lambda: True
        """Whether this instance would lose anything with the store; an idle one writes nothing."""

    def on_data_loss(self, listener: Callable[[str], None]) -> None:
        """Tell `listener` of each shard that has lost data, from now on."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Look after every shard for ever, so that losses and the link's state are known without traffic."""
        while True:
            # At once, so that a shard that is away does not keep the others unwatched.
            await asyncio.gather(*map(self._try_check, self._client.shards()))
            # A shard's tag changes where the slot that it was named by has moved away.
            self._recovering.intersection_update(self._client.shards())
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)

    async def confirm_absence(self, key: str, deadline: float) -> None:
        """Return if what was just found absent is not there because it never was, or has gone.

        Raises `StoreUnavailableError` where it may have been lost: ask after the miss, never before it.
        """
        shard = self._client.shard_of(key)
        if not await self._check(shard, deadline, read_only=True):
            raise store_recovering_error()

    def shard_of(self, code: str) -> str:
        """The shard that has the party."""
        return self._client.shard_of(keys.party(code))

    def is_recovering(self, shard: str) -> bool:
        """Whether the shard was being written back when it was last looked at."""
        return shard in self._recovering

    async def _try_check(self, shard: str) -> None:
        with suppress(StoreUnavailableError):
            await self._check(shard, asyncio.get_running_loop().time() + PROBE_BUDGET_SECONDS)

    async def _check(self, shard: str, deadline: float, *, read_only: bool = False) -> bool:
        """Look after a shard; False where data was lost and is being written back."""
        known = self._known.get(shard, _NOTHING)
        what: Literal["read", "write", "recover"] = "write" if self.has_local_state() and not read_only else "read"
        if shard in self.healing:
            what = "recover"
        reply = await self._client.call(
            scripts.GENERATION,
            (keys.generation(shard), keys.recovering(shard)),
            (secrets.token_urlsafe(ID_BYTES), known.id, known.counter, what, int(RECOVERING_SECONDS * 1000)),
            deadline,
            probing=True,
        )
        _, status, life_id, counter, is_recovering = reply
        self._record(shard, _Generation(life_id.decode(), counter), was_lost=status == b"lost")
        if is_recovering:
            self._recovering.add(shard)
        else:
            self._recovering.discard(shard)
        self._health.set_recovering(bool(self._recovering))
        return shard not in self._recovering

    def _record(self, shard: str, found: _Generation, *, was_lost: bool) -> None:
        known = self._known.get(shard, found)
        # Looks may cross: of several that found the same loss the first tells of it, and one that was answered before
        # the loss was seen tells nothing new.
        if was_lost and (found.id != known.id or found.counter < known.counter):
            self._known[shard] = found
            for listener in self._listeners:
                listener(shard)
        elif found.id == known.id:
            self._known[shard] = _Generation(found.id, max(found.counter, known.counter))
