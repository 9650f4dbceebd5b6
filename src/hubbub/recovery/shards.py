"""The recovery of one shard as a state machine: pure, without I/O."""

from enum import Enum, auto


class Phase(Enum):
    """What an instance does for a shard."""

    WATCHING = auto()
    """Nothing: no data loss is known."""
    RESTORING_TOMBSTONES = auto()
    """After data loss: write back the tombstones, and give other instances time to do so."""
    RESTORING_ROOMS = auto()
    """After the tombstones: write back the parties that have members here."""
    RESTORING_CREATES = auto()
    """After the rooms: write back the parties that were created just now and have no member here."""
    RECHECKING_CREATES = auto()
    """Without data loss: write back those of them that the store does not have."""


_AFTER_DATA_LOSS = frozenset({Phase.RESTORING_TOMBSTONES, Phase.RESTORING_ROOMS, Phase.RESTORING_CREATES})


class ShardRecovery:
    """The phase of one shard, and the inputs that the next phases depend on.

    | phase | next |
    | --- | --- |
    | RESTORING_TOMBSTONES | RESTORING_ROOMS |
    | RESTORING_ROOMS | RESTORING_CREATES |
    | any other, if data was lost since | RESTORING_TOMBSTONES |
    | any other, if creates are suspect since | RECHECKING_CREATES |
    | any other | WATCHING |
    """

    def __init__(self) -> None:
        self._phase = Phase.WATCHING
        self._has_lost_data = False
        self._are_creates_suspect = False

    # Inputs.

    def lose_data(self) -> None:
        """Note data loss: restore everything, again if that is under way."""
        self._has_lost_data = True

    def suspect_creates(self) -> None:
        """Note that the store may not have the newest creates: look for them soon."""
        self._are_creates_suspect = True

    def advance(self) -> Phase:
        """Enter the next phase, and return it."""
        self._phase = self._next_phase()
        if self._phase is Phase.RESTORING_TOMBSTONES:
            self._has_lost_data = False
        elif self._phase in {Phase.RESTORING_CREATES, Phase.RECHECKING_CREATES}:
            self._are_creates_suspect = False
        return self._phase

    # Outputs.

    @property
    def phase(self) -> Phase:
        """The phase that was entered last."""
        return self._phase

    @property
    def is_restoring(self) -> bool:
        """Whether data is being written back after data loss, so that absent does not mean missing."""
        return self._phase in _AFTER_DATA_LOSS

    @property
    def is_interrupted(self) -> bool:
        """Whether data was lost since `RESTORING_TOMBSTONES` was entered, so that this phase has to start over."""
        return self._has_lost_data

    def _next_phase(self) -> Phase:
        if self._phase is Phase.RESTORING_TOMBSTONES:
            return Phase.RESTORING_ROOMS
        if self._phase is Phase.RESTORING_ROOMS:
            return Phase.RESTORING_CREATES
        if self._has_lost_data:
            return Phase.RESTORING_TOMBSTONES
        if self._are_creates_suspect:
            return Phase.RECHECKING_CREATES
        return Phase.WATCHING
