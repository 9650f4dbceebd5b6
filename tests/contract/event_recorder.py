"""Records the events of an instance."""

import asyncio
from types import TracebackType
from typing import Self

from hubbub.core.errors import Reason
from hubbub.core.replica import Published
from tests.contract.conftest import Instance, wait_until


class EventRecorder:
    """Runs an instance's event stream for the length of the block, which begins when it receives."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.confirmed: list[str] = []
        self.published: list[tuple[str, Published]] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._instance.event_stream.run(self))
        await self._instance.connections.directory.wait_known(asyncio.get_running_loop().time() + 5)
        await wait_until(lambda: self._instance.event_stream.is_receiving)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    # See `hubbub.store.pubsub.event_stream.PartyEvents`.

    def on_subscribed(self, code: str) -> None:
        self.confirmed.append(code)

    def on_events(self, code: str, published: Published) -> None:
        self.published.append((code, published))

    def on_reaction(self, code: str, reaction: bytes) -> None:
        """Ignore it, as the next ones do."""

    def on_seat_lost(self, code: str, holder: str, reason: Reason) -> None:
        """Ignore it."""

    def on_watchers(self, code: str, watchers: int) -> None:
        """Ignore it."""
