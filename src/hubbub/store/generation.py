"""Detects data loss: compares the generation of each shard with the one that this instance remembers.

A generation is an id and a counter (`generation.lua`). If the id is missing or differs, or the counter is lower
than remembered, the shard lost data: it returned empty or older, or a failover lost writes. Until instances have
written back their parties, a party that is not found there is not known to be absent.
"""

import asyncio
import secrets
from contextlib import suppress
from enum import StrEnum
from typing import Protocol

import msgspec

from hubbub.core.limits import ID_BYTES, PROBE_BUDGET_SECONDS, PROBE_INTERVAL_SECONDS, RECOVERING_SECONDS
from hubbub.loop import now
from hubbub.store import keys, scripts
from hubbub.store.client.script_client import ScriptClient
from hubbub.store.health import StoreHealth
from hubbub.store.port import StoreUnavailableError, store_recovering_error


class _Generation(msgspec.Struct, frozen=True):
    """A shard's generation as last seen."""

    id: str
    counter: int


_UNKNOWN = _Generation("", 0)


class CheckMode(StrEnum):
    """What an instance does to a shard's generation when it checks it, as `generation.lua` takes it."""

    READ = "read"
    WRITE = "write"
    """Advance the counter, so that a store that comes back older is found out."""
    RECOVER = "recover"
    """Advance it, and make all instances wait, since this one is writing data back."""


class DataLossObserver(Protocol):
    """The part of an instance that restores what the store has lost. No method waits."""

    def mode_of(self, shard: str) -> CheckMode:
        """Return how to check a shard: `READ` unless this instance has state that the store can lose."""

    def on_data_loss(self, shard: str) -> None:
        """Restore a shard that has lost data."""


class DataLossDetector:
    """The generation of each shard, as this instance knows it.

    The observer decides how a shard is checked, and is called once for each data loss. Without one, checks write.
    """

    def __init__(self, client: ScriptClient, health: StoreHealth) -> None:
        self._client = client
        self._health = health
        self._known: dict[str, _Generation] = {}
        self._recovering: set[str] = set()
        self._observer: DataLossObserver | None = None

    def attach(self, observer: DataLossObserver) -> None:
        """Set the observer."""
        self._observer = observer

    async def run(self) -> None:
        """Check every shard for ever, so that losses and the store's health are known without traffic."""
        while True:
            # In parallel. Otherwise an unreachable shard would delay the checks of the others.
            await asyncio.gather(*map(self._try_check, self._client.shards()))
            # A shard gets another tag if the slot that named it moves away.
            self._recovering.intersection_update(self._client.shards())
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)

    async def confirm_absence(self, key: str, deadline: float) -> None:
        """Return if `key`, which was just not found, is absent; raise if the store may have lost it.

        Call it after the miss. A check before it would not see a loss in between.
        """
        shard = self._client.shard_of(key)
        if not await self._check(shard, deadline, read_only=True):
            raise store_recovering_error()

    def shard_of(self, code: str) -> str:
        """Return the shard that has the party."""
        return self._client.shard_of(keys.party(code))

    def is_recovering(self, shard: str) -> bool:
        """Whether the shard was being written back at the last check."""
        return shard in self._recovering

    async def _try_check(self, shard: str) -> None:
        with suppress(StoreUnavailableError):
            await self._check(shard, now() + PROBE_BUDGET_SECONDS)

    async def _check(self, shard: str, deadline: float, *, read_only: bool = False) -> bool:
        """Check a shard; return False while lost data is being written back."""
        known = self._known.get(shard, _UNKNOWN)
        mode = CheckMode.WRITE if self._observer is None else self._observer.mode_of(shard)
        if read_only and mode is CheckMode.WRITE:
            mode = CheckMode.READ
        reply = await self._client.call(
            scripts.GENERATION,
            (keys.generation(shard), keys.recovering(shard)),
            (secrets.token_urlsafe(ID_BYTES), known.id, known.counter, mode, int(RECOVERING_SECONDS * 1000)),
            deadline,
            probing=True,
        )
        _, status, generation_id, counter, is_recovering = reply
        self._record(shard, _Generation(generation_id.decode(), counter), was_lost=status == b"lost")
        if is_recovering:
            self._recovering.add(shard)
        else:
            self._recovering.discard(shard)
        self._health.set_recovering(bool(self._recovering))
        return shard not in self._recovering

    def _record(self, shard: str, found: _Generation, *, was_lost: bool) -> None:
        known = self._known.get(shard, found)
        # Checks overlap. Of several that found the same loss only the first reports it. A reply from before a loss
        # that is known already changes nothing.
        if was_lost and (found.id != known.id or found.counter < known.counter):
            self._known[shard] = found
            if self._observer is not None:
                self._observer.on_data_loss(shard)
        elif found.id == known.id:
            self._known[shard] = _Generation(found.id, max(found.counter, known.counter))
