"""Report the state of the store and whether a proxy should send clients to this instance."""

from hubbub.core.errors import REFUSALS, Reason
from hubbub.core.limits import READINESS_BUDGET_SECONDS
from hubbub.hub.hub import Hub
from hubbub.loop import now
from hubbub.store.health import StoreHealth, StoreState
from hubbub.store.port import Store, StoreUnavailableError
from hubbub.store.pubsub.event_stream import EventStream


class Readiness:
    """The readiness of one instance."""

    def __init__(self, store: Store, health: StoreHealth, event_stream: EventStream, hub: Hub) -> None:
        self._store = store
        self._health = health
        self._event_stream = event_stream
        self._hub = hub

    @property
    def store_state(self) -> StoreState:
        """The state of the connections to the store."""
        return self._health.state

    async def why_not_ready(self) -> str | None:
        """Return why this instance cannot serve now; None if the store takes writes and events arrive."""
        if self._hub.draining:
            return "This instance is about to stop"
        try:
            await self._store.ping(now() + READINESS_BUDGET_SECONDS)
        except StoreUnavailableError as unavailable:
            return f"{REFUSALS[Reason.STORE_UNAVAILABLE].sentence} (store: {unavailable.failure})"
        if not self._event_stream.is_receiving:
            return "Events of the parties do not reach this instance right now"
        return None
