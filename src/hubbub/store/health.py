"""The state of this instance's connections to the store."""

from collections.abc import Callable
from enum import StrEnum

from hubbub.store.port import StoreFailure


class StoreState(StrEnum):
    """The state as `/health` shows it.

    `connecting` lasts from the start to the first answer or failure. A store that answers with a refusal
    (read-only, out of memory) is connected. A store that loads its data is not. `recovering` means connected to a
    store that has lost data, while instances write it back.
    """

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    RECOVERING = "recovering"


class StoreHealth:
    """Holds the state and reports each change once, with the failure that caused it."""

    def __init__(self) -> None:
        self.state = StoreState.CONNECTING
        self._is_recovering = False
        self._listeners: list[Callable[[StoreState, StoreFailure | None], None]] = []

    def on_change(self, listener: Callable[[StoreState, StoreFailure | None], None]) -> None:
        """Call `listener` after each change."""
        self._listeners.append(listener)

    def answered(self) -> None:
        """Record an answer of the store. A refusal counts."""
        self._enter(StoreState.RECOVERING if self._is_recovering else StoreState.CONNECTED, None)

    def set_recovering(self, is_recovering: bool) -> None:
        """Record whether instances write back data that the store has lost."""
        self._is_recovering = is_recovering
        # In a cluster one shard can answer while others do not.
        if self.state in {StoreState.CONNECTED, StoreState.RECOVERING}:
            self.answered()

    def failed(self, failure: StoreFailure) -> None:
        """Record that the store did not answer."""
        self._enter(StoreState.DISCONNECTED, failure)

    def _enter(self, state: StoreState, failure: StoreFailure | None) -> None:
        if state is not self.state:
            self.state = state
            for listener in self._listeners:
                listener(state, failure)
