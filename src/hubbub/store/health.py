"""What an instance knows of its link to the store."""

from collections.abc import Callable
from enum import StrEnum

from hubbub.store import Trouble


class StoreState(StrEnum):
    """The link's state as `/health` shows it.

    `connecting` lasts from the start to the first answer or failure. A store that answers but refuses
    (read-only, out of memory) is connected; one that is loading its data is not.
    """

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class StoreHealth:
    """Keeps the state and tells each change of it once, with the trouble that caused it."""

    def __init__(self) -> None:
        self.state = StoreState.CONNECTING
        self._listeners: list[Callable[[StoreState, Trouble | None], None]] = []

    def on_change(self, listener: Callable[[StoreState, Trouble | None], None]) -> None:
        """Tell `listener` of every change from now on."""
        self._listeners.append(listener)

    def answered(self) -> None:
        """Note that the store answered, be it with a refusal."""
        self._enter(StoreState.CONNECTED, None)

    def failed(self, trouble: Trouble) -> None:
        """Note that the store did not answer."""
        self._enter(StoreState.DISCONNECTED, trouble)

    def _enter(self, state: StoreState, trouble: Trouble | None) -> None:
        if state is not self.state:
            self.state = state
            for listener in self._listeners:
                listener(state, trouble)
