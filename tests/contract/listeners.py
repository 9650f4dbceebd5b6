"""Who listens to an instance's feed, and notes what it brings."""

import asyncio
from types import TracebackType
from typing import Self

from hubbub.core.errors import Reason
from hubbub.core.replica import Published
from tests.contract.conftest import Instance, until


class Listening:
    """Runs the feed of an instance for the length of the block, once it reaches it."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.confirmed: list[str] = []
        self.published: list[tuple[str, Published]] = []
        self._listener = _Notes(self)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._instance.feed.run(self._listener))
        await self._instance.link.servers.found(asyncio.get_running_loop().time() + 5)
        await until(lambda: self._instance.feed.reaching)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


class _Notes:
    """See `hubbub.store.pubsub.event_stream.Listener`."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    def confirmed(self, code: str) -> None:
        self._listening.confirmed.append(code)

    def published(self, code: str, published: Published) -> None:
        self._listening.published.append((code, published))

    def reacted(self, code: str, reaction: bytes) -> None:
        """Not noted, as those below."""

    def expelled(self, code: str, holder: str, reason: Reason) -> None:
        """See above."""

    def watched(self, code: str, watchers: int) -> None:
        """See above."""
