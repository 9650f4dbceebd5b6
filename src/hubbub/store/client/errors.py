"""Errors of calls to one server, and what they mean: `StoreFailure`, redirection, in doubt."""

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from hubbub.store.client.address import Node
from hubbub.store.port import StoreFailure, StoreUnavailableError


class NotReplicatedError(RedisError):
    """Raised if the server did it, but too few replicas acknowledged it in time."""


class RedirectedError(StoreUnavailableError):
    """Raised if the server did nothing: another node has the slot, for good (MOVED) or for this call only (ASK)."""

    def __init__(self, error: AskError) -> None:
        super().__init__(StoreFailure.MOVING, str(error))
        self.slot = error.slot_id
        self.node = Node(error.host, error.port)
        self.for_good = isinstance(error, MovedError)


class SlotMovingError(StoreUnavailableError):
    """Raised if the server did nothing: some keys of the slot are on another node for a moment (TRYAGAIN)."""


_FAILURES: tuple[tuple[type[Exception], StoreFailure], ...] = (
    (BusyLoadingError, StoreFailure.LOADING),
    (AuthenticationError, StoreFailure.NOT_PERMITTED),
    (NoPermissionError, StoreFailure.NOT_PERMITTED),
    (ReadOnlyError, StoreFailure.READ_ONLY),
    (OutOfMemoryError, StoreFailure.OUT_OF_MEMORY),
    (ClusterDownError, StoreFailure.CLUSTER_DOWN),
    (ResponseError, StoreFailure.REFUSED),
    (RedisTimeoutError, StoreFailure.TIMEOUT),
    (NotReplicatedError, StoreFailure.NOT_REPLICATED),
)


def failure_of(error: BaseException) -> StoreFailure:
    """Classify an error of redis-py or of the connection."""
    for kind, failure in _FAILURES:
        if isinstance(error, kind):
            return failure
    return StoreFailure.UNREACHABLE


def unavailable_error(error: Exception, *, sent: bool) -> StoreUnavailableError:
    """Convert an error to what callers get. The call is in doubt if it was `sent` and not refused."""
    if isinstance(error, AskError):
        return RedirectedError(error)
    if isinstance(error, TryAgainError):
        return SlotMovingError(StoreFailure.MOVING, str(error))
    # A store that refused a call did nothing. If the reply is missing, the store may have done it.
    return StoreUnavailableError(failure_of(error), str(error), in_doubt=sent and not isinstance(error, ResponseError))
