"""What an instance knows of its link to the store."""

from collections.abc import Callable
from enum import StrEnum

from hubbub.store.port import StoreFailure


class StoreState(StrEnum):
    """The link's state as `/health` shows it.

    `connecting` lasts from the start to the first answer or failure. A store that answers but refuses
    (read-only, out of memory) is connected; one that is loading its data is not. `recovering` is connected to a store
    that has lost data, while instances write it back.
    """

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    RECOVERING = "recovering"


class StoreHealth:
    """Keeps the state and tells each change of it once, with the failure that caused it."""

    def __init__(self) -> None:
        self.state = StoreState.CONNECTING
        self._is_recovering = False
        self._listeners: list[Callable[[StoreState, StoreFailure | None], None]] = []

    def on_change(self, listener: Callable[[StoreState, StoreFailure | None], None]) -> None:
        """Tell `listener` of every change from now on."""
        self._listeners.append(listener)

    def answered(self) -> None:
        """Note that the store answered, be it with a refusal."""
        self._enter(StoreState.RECOVERING if self._is_recovering else StoreState.CONNECTED, None)

    def set_recovering(self, is_recovering: bool) -> None:
        """Note whether the store has lost data that is being written back."""
        self._is_recovering = is_recovering
        # Of a cluster one shard may answer while others do not.
        if self.state in {StoreState.CONNECTED, StoreState.RECOVERING}:
            self.answered()

    def failed(self, failure: StoreFailure) -> None:
        """Note that the store did not answer."""
        self._enter(StoreState.DISCONNECTED, failure)

    def _enter(self, state: StoreState, failure: StoreFailure | None) -> None:
        if state is not self.state:
            self.state = state
            for listener in self._listeners:
                listener(state, failure)
