"""Record what clients sent and received, in one list that the checker judges afterwards.

Times are seconds of this machine's monotonic clock. `client` names a client, `code` a party. A *digest* stands for a
whole message: equal digests mean equal messages.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

NO_ANSWER = 0
"""The status of an HTTP call that got none."""


class Position(NamedTuple):
    """How far a client knows its party."""

    epoch: str
    version: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened then."""

    at: float


@dataclass(frozen=True, slots=True)
class FaultStarted(Entry):
    """A fault began.

    `ends_itself`: what it breaks comes back without a hand, so that it is timed from here and not from its end.
    `forgets_newest`: an unreplicated store may lose what it confirmed in the last second before the crash, or before
    and while another one takes its place. `forgets`: the store loses more than that, so that only what instances
    remember can come back. `ends_instances`: an instance ends, and with it goes what it remembers.
    """

    fault: str
    ends_itself: bool = False
    forgets_newest: bool = False
    forgets: bool = False
    ends_instances: bool = False


@dataclass(frozen=True, slots=True)
class FaultEnded(Entry):
    """The last fault's cause is gone."""


@dataclass(frozen=True, slots=True)
class Quiesced(Entry):
    """The scenario is quiet, and had time to settle. Entries of views and counts follow."""


@dataclass(frozen=True, slots=True)
class HttpCall(Entry):
    """An HTTP call that began at `at`: `verb` is create, join or look-up.

    `code` is the party's, from the answer of a create. `name` is the host's in a create, unlike any other.
    `found` is false when a look-up returned that there is no such party. `status` may be NO_ANSWER.
    """

    ended_at: float
    instance: int
    verb: str
    code: str
    status: int
    reason: str = ""
    name: str = ""
    found: bool = True


@dataclass(frozen=True, slots=True)
class EnterRequested(Entry):
    """A phone, connected to an instance, asked to be let in, `CREATE` or `JOIN`, having known that much."""

    client: str
    instance: int
    kind: str
    code: str
    name: str
    since: Position | None


@dataclass(frozen=True, slots=True)
class Entered(Entry):
    """A phone entered; `resumed` if it had the seat before."""

    client: str
    kind: str
    code: str
    member_id: str
    name: str
    position: Position
    resumed: bool


@dataclass(frozen=True, slots=True)
class Refused(Entry):
    """A phone's enter was refused."""

    client: str
    kind: str
    code: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoomReceived(Entry):
    """A phone was given the whole party; `texts` are the messages in it."""

    client: str
    code: str
    position: Position
    digest: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventReceived(Entry):
    """A phone received an event with the versions `first` to the position's.

    `subject` is the text of a message, or the member whose seat timed out or who was disconnected.
    """

    client: str
    code: str
    kind: str
    first: int
    position: Position
    digest: int
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Contradicted(Entry):
    """A phone received what does not follow from what it had received before."""

    client: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class MessageSent(Entry):
    """A phone sent a message; no two have the same text."""

    client: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class FailedOver(Entry):
    """All who judge have named another primary."""


@dataclass(frozen=True, slots=True)
class MessageAnswered(Entry):
    """A phone received the result of a message; `reason` is empty if it was granted.

    `in_doubt`: the answer said that the message may have been sent all the same.
    """

    client: str
    code: str
    text: str
    reason: str
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Closed(Entry):
    """A phone's connection ended; 1006 where there was no farewell."""

    client: str
    code: str
    close_code: int


@dataclass(frozen=True, slots=True)
class Leaving(Entry):
    """A phone gives its seat up: from here on it may be gone."""

    client: str
    code: str


@dataclass(frozen=True, slots=True)
class Ending(Entry):
    """A host asked for the end of its party: from here on it may be gone."""

    code: str


@dataclass(frozen=True, slots=True)
class Ended(Entry):
    """A host received the end of its party."""

    code: str


@dataclass(frozen=True, slots=True)
class ViewAtRest(Entry):
    """What a phone that is connected knows at rest; `connected` are ids, `seats` are ids and names."""

    client: str
    code: str
    member_id: str
    is_host: bool
    position: Position
    digest: int
    guest_count: int
    connected: frozenset[str]
    seats: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CountAtRest(Entry):
    """The number of connected guests according to an instance's look-up or the store's document."""

    source: str
    code: str
    guest_count: int
    host_connected: bool
    host_name: str


E = TypeVar("E", bound=Entry)


@dataclass
class History:
    """Everything in the order in which it became known."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Write it down."""
        self.entries.append(entry)

    def of(self, kind: type[E]) -> Iterator[E]:
        """All entries of that kind."""
        return (entry for entry in self.entries if isinstance(entry, kind))


def is_refusal(entry: Entry) -> bool:
    """Return whether a call or message was refused or got no answer. A 404 is an answer."""
    match entry:
        case HttpCall(status=status):
            return status not in {200, 404}
        case MessageAnswered(reason=reason):
            return bool(reason)
    return False


def now() -> float:
    """Return the time of this history."""
    return time.monotonic()


def digest(content: Any) -> int:
    """Return what stands for the content; the same for the same content within one run."""
    return hash(json.dumps(content, sort_keys=True))
