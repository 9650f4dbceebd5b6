"""What must hold of a conversation and of a room whatever happens to them; `pick(n)` decides, with a number below n.

Its caller (`tests/unit/test_fuzz.py`, `fuzz_session.py`) makes the decisions; a broken promise is an
AssertionError, and so is any other exception.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from hubbub.core.codes import is_code
from hubbub.core.errors import CLOSE_CODES, CloseCode, Reason
from hubbub.core.frames import InvalidMessage, read_frame
from hubbub.core.limits import (
    ENTER_SECONDS_MAX,
    FRAME_BYTES_MAX,
    UNDECODABLE_FRAMES_MAX,
    UNKNOWN_CODES_MAX,
)
from hubbub.core.protocol import (
    Answer,
    Create,
    ErrorAnswer,
    Event,
    Leave,
    Position,
    Reaction,
    SendReaction,
    Snapshot,
    Watch,
    encode,
)
from hubbub.core.replica import Published, Replica
from hubbub.core.results import (
    Accepted,
    CommandResult,
    Ended,
    Full,
    Joined,
    Kicked,
    Locked,
    Missing,
    Rejected,
    TooManyWatchers,
    Watching,
)
from hubbub.core.session import Close, Enter, Execute, Send, Session, Step
from tests.support.fakes import FakeParty, count_event, ended_event, joined_event, message_event

Pick = Callable[[int], int]

START: Final = 50.0
HEART: Final = "❤"
TOKEN: Final = "t" * 22
MESSAGES: Final[tuple[dict[str, Any], ...]] = (
    {"t": "CREATE", "name": "Ann", "token": TOKEN},
    {"t": "JOIN", "code": "bcd-fgh", "token": TOKEN, "since": {"epoch": "e", "version": 3}},
    {"t": "JOIN", "code": "nope"},
    {"t": "WATCH", "code": "BCDFGH"},
    {"t": "LEAVE"},
    {"t": "RENAME", "name": "Cat"},
    {"t": "SEND_MESSAGE", "text": "hi"},
    {"t": "SEND_REACTION", "emoji": HEART},
    {"t": "KICK", "targetId": "x"},
    {"t": "PROMOTE", "targetId": "x"},
    {"t": "CHAT_MODE_SET", "mode": "LOCKED"},
    {"t": "LOCK_SET", "locked": True},
    {"t": "HOST_TRACK_SELECTED", "filename": "a.mp3"},
    {"t": "HOST_NEXT_TRACK_QUEUED", "filename": None},
    {"t": "HOST_TRACK_CHANGED", "filename": "a.mp3", "nextFilename": "b.mp3"},
    {"t": "HOST_PLAY", "position": 1.5},
    {"t": "HOST_PAUSE"},
    {"t": "PING", "id": "p"},
    {"t": "WELCOME"},
)
ODDITIES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 2**53, 10**30, 1.5, -0.0, "", " ", "\0", "x" * 600, "ABC123", HEART, "of length <=", "`$.token`",
    [], {}, [[]], {"t": "JOIN"}, "\u202e", "\ufeff", "LOCKED",
)  # fmt: skip
NOT_ENTERED: Final = (Missing(), Ended(), Locked(), Full(), Kicked(), TooManyWatchers())
ACTED: Final[tuple[CommandResult, ...]] = (
    *(Accepted() for _ in range(20)),
    Missing(),
    Ended(),
    *(Rejected(reason) for reason in Reason),
)
_decode_answer = msgspec.json.Decoder(Answer).decode


def some_message(pick: Pick) -> Any:
    """A message as a client might send it, or nearly."""
    message: dict[str, Any] = dict(MESSAGES[pick(len(MESSAGES))])
    if pick(2):
        message["requestId"] = (0, "r", 2**53 - 1, "", 7)[pick(5)]
    for _ in range(pick(3)):
        field = (*message, "requestId", "token", "name", "since")[pick(len(message) + 4)]
        if pick(3):
            message[field] = ODDITIES[pick(len(ODDITIES))]
        else:
            message.pop(field, None)
    return message


def some_frame(pick: Pick) -> bytes:
    """A frame of one message or several."""
    if pick(2):
        return encode(some_message(pick))
    return encode([some_message(pick) for _ in range(pick(5))])


class Conversation:
    """A session whose service answers at will. After `hung_up` nothing may be asked of it."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self._now = START
        self._session = Session(now=START, store_ms=lambda: 5, is_emoji=lambda text: text == HEART)
        self._inside: str | None = None
        self._undecodable = self._unknown_codes = 0
        self._steps = 0
        self.hung_up: CloseCode | None = None

    def hear(self, frame: str | bytes | None) -> None:
        """Take a frame and hold the session to its promises."""
        if self.hung_up is not None:
            return
        self._now += (0.0, 0.01, 1.0, 100.0)[self._pick(4)]
        messages = None if frame is None else read_frame(frame)
        self._steps = 0
        for step in self._session.read(frame, self._now):
            self._take(step)
            if self.hung_up is not None:
                break
        if messages is None:
            self._undecodable += 1
            assert self._steps == 1, "bad_message, once"
            assert (self.hung_up is CloseCode.ABUSE) == (self._undecodable >= UNDECODABLE_FRAMES_MAX)
        elif self.hung_up is None:
            silent = sum(not isinstance(message, InvalidMessage) and message.request_id is None for message in messages)
            assert len(messages) - silent <= self._steps <= len(messages), "each message is answered, and once"
        self._check()

    def _take(self, step: Step) -> None:
        match step:
            case Send(message=message):
                self._hear_answer(message)
            case Close(code=code):
                self.hung_up = code
            case Enter(command=command, code=code):
                assert self._inside is None
                assert is_code(code) or isinstance(command, Create)
                self._enter(step)
            case Execute(command=command):
                assert self._inside == "member"
                assert not isinstance(command, SendReaction) or command.emoji == HEART
                self._act(step)

    def _hear_answer(self, message: Answer) -> None:
        self._steps += 1
        encoded = encode(message)
        assert len(encoded) < 2 * FRAME_BYTES_MAX
        assert _decode_answer(encoded) == message
        if isinstance(message, ErrorAnswer):
            assert message.error
            if message.reason is Reason.PARTY_NOT_FOUND and self._inside is None:
                self._unknown_codes += 1

    def _enter(self, step: Enter) -> None:
        command = step.command
        verdict = self._pick(4)
        if verdict == 0:
            self._take(self._session.unavailable(command, Reason.RECOVERING, self._now))
            return
        if verdict == 1:
            for following in self._session.not_entered(command, NOT_ENTERED[self._pick(len(NOT_ENTERED))], self._now):
                self._take(following)
            return
        if isinstance(command, Watch):
            self._inside = "watcher"
            answer = self._session.entered(command, step.code, "", Watching("e", 1, 2, 3))
        else:
            self._inside = "member"
            joined = Joined("me", bool(self._pick(2)), bool(self._pick(2)), "e", 1, 2)
            answer = self._session.entered(command, step.code or "BCDFGH", TOKEN, joined)
        self._hear_answer(answer)
        assert answer.request_id == (msgspec.UNSET if command.request_id is None else command.request_id)

    def _act(self, step: Execute) -> None:
        if self._pick(6) == 0:
            self._take(self._session.unavailable(step.command, Reason.STORE_UNAVAILABLE, self._now))
            return
        outcome = ACTED[self._pick(len(ACTED))]
        for following in self._session.acted(step.command, outcome):
            self._take(following)
        gone = not isinstance(outcome, Accepted | Rejected) or getattr(outcome, "reason", None) in CLOSE_CODES
        if isinstance(step.command, Leave) and isinstance(outcome, Accepted):
            assert self.hung_up is CloseCode.LEFT
        else:
            assert (self.hung_up is not None) == gone

    def _check(self) -> None:
        enter_by = self._session.enter_by
        assert (enter_by is None) == (self._inside is not None)
        assert enter_by is None or START + ENTER_SECONDS_MAX <= enter_by <= self._now + ENTER_SECONDS_MAX
        if self._inside is None and self._unknown_codes >= UNKNOWN_CODES_MAX:
            assert self.hung_up is CloseCode.ABUSE


def converse(pick: Pick, frames: Iterable[str | bytes | None]) -> None:
    """Hold a conversation until it ends, or there are no more frames."""
    conversation = Conversation(pick)
    for frame in frames:
        conversation.hear(frame)


def run_replica_scenario(pick: Pick, steps: int) -> None:
    """Run a replica while events get lost, come late, twice and in the wrong order."""
    scenario = _ReplicaScenario(pick)
    for _ in range(steps):
        if scenario.room.ended:
            break
        scenario.step()
    scenario.end()


class _ReplicaScenario:
    """A party, a room that follows it, and a client that is sent the room's frames."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self._party = FakeParty(version=pick(3))
        self._states: dict[tuple[str, int], Snapshot] = {}
        self._waiting: list[Published] = []
        self._client: Position | None = None
        self._epochs = 1
        self.room = Replica()
        self._note()

    def step(self) -> None:
        """Something happens."""
        match self._pick(9):
            case 0 | 1:
                self._happen()
            case 2 | 3 | 4:
                self._deliver()
            case 5:
                self.room.outbox.add_reaction(encode(Reaction("ann", "Ann", HEART)))
            case 6:
                self._ask(answered=self._pick(3) > 0)
            case 7:
                self._tell()
            case 8:
                self._begin_anew()
        self._check()

    def end(self) -> None:
        """In the end the store is asked, and everybody is level."""
        assert self.room.apply_sync(self._party.since(self.room.start_sync())), (
            "the buffered events are older than the answer"
        )
        self._tell()
        assert self.room.epoch == self._party.epoch
        assert self.room.version == self._party.version
        self._check()

    def _happen(self) -> None:
        if self._party.has_ended:
            return
        events: list[Event] = [
            message_event("x"),
            joined_event(f"G{self._party.version}"),
            count_event(self._pick(5)),
            count_event(1),
        ]
        chosen = [events[self._pick(4)] for _ in range(1 + self._pick(3))]
        self._waiting.append(self._party.happen(*chosen, *([ended_event()] if self._pick(40) == 39 else [])))
        self._note()

    def _note(self) -> None:
        self._states[self._party.epoch, self._party.version] = self._party.snapshot

    def _deliver(self) -> None:
        if not self._waiting:
            return
        place = self._pick(len(self._waiting))
        published = self._waiting[place] if self._pick(4) == 0 else self._waiting.pop(place)
        if self._pick(8) and not self.room.receive(published):
            self._ask(answered=bool(self._pick(2)))

    def _ask(self, *, answered: bool) -> None:
        since = self.room.start_sync()
        outcome = self._party.since(since)
        if self._pick(3) == 0:
            self._happen()
        if self._waiting and self._pick(2):
            assert self.room.receive(self._waiting.pop(0))
        if answered:
            self.room.apply_sync(outcome)
        else:
            self.room.abort_sync()

    def _begin_anew(self) -> None:
        if self._pick(4) == 0 and not self._party.has_ended:
            self._epochs += 1
            self._party = FakeParty(epoch=f"epoch-{self._epochs}", version=self._pick(5))
            self._note()

    def _tell(self) -> None:
        room = self.room
        if room.party is None:
            return
        if room.outbox.clients_need_snapshot or self._client is None:
            prepared = json.loads(room.encoded_snapshot())
            self._client = Position(prepared["epoch"], prepared["version"])
            room.outbox.mark_sent()
        if room.outbox.has_pending():
            text = room.outbox.batch(self._client.version)
            decoded = [] if text is None else json.loads(text)
            for message in decoded if isinstance(decoded, list) else [decoded]:
                self._hear(message)
        assert self._client == Position(room.epoch, room.version)
        room.outbox.mark_sent()
        assert not room.outbox.has_pending()

    def _hear(self, message: dict[str, Any]) -> None:
        assert self._client is not None
        if "version" not in message:
            assert message["t"] in {"REACTION", "REACTIONS"}
            return
        assert message.get("from", message["version"]) == self._client.version + 1, "no hole, and nothing twice"
        self._client = Position(self._client.epoch, message["version"])

    def _check(self) -> None:
        room = self.room
        if room.party is None:
            return
        # Of a change of several events only the state after the last is known here.
        expected = self._states.get((room.epoch, room.version))
        assert expected is None or room.party == expected
        replay = room.replay(Position(room.epoch, max(0, room.version - self._pick(5))))
        if replay:
            assert json.loads(replay[-1])["version"] == room.version
