"""One client's conversation as a state machine without I/O: frames and outcomes in, steps out.

A step sends a message, asks the service, or closes the connection. Steps are yielded lazily: the caller must report
the outcome of a step before it takes the next one. Without this, commands could take effect out of order.
"""

import math
from collections.abc import Callable, Iterator

import msgspec

from hubbub.core.codes import normalize_code, parse_code
from hubbub.core.errors import CLOSE_CODES, CloseCode, Reason
from hubbub.core.frames import InvalidMessage, answer_error, read_frame
from hubbub.core.limits import (
    COMMANDS_PER_SECOND_MAX,
    ENTER_SECONDS_MAX,
    HEARTBEAT_SECONDS,
    UNDECODABLE_FRAMES_MAX,
    UNKNOWN_CODES_MAX,
)
from hubbub.core.protocol import (
    Answer,
    Command,
    Create,
    CreatedAnswer,
    Join,
    JoinedAnswer,
    Leave,
    MemberCommand,
    Ok,
    Ping,
    Pong,
    RequestId,
    SendMessage,
    SendReaction,
    Watch,
    WatchingAnswer,
    Welcome,
)
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


class Send(msgspec.Struct, frozen=True):
    """Send this message."""

    message: Answer


class Enter(msgspec.Struct, frozen=True):
    """Ask the service to create a party (`code` is empty) or to enter the party with `code`; report the outcome."""

    command: Create | Join | Watch
    code: str = ""


class Execute(msgspec.Struct, frozen=True):
    """Ask the service to carry out a member's command, and report the outcome."""

    command: MemberCommand | Leave


class Close(msgspec.Struct, frozen=True):
    """Close the connection."""

    code: CloseCode


Step = Send | Enter | Execute | Close


class Session:
    """The conversation with one client.

    `store_ms` returns the store's time. `is_emoji` returns whether a text is one emoji. `now` is monotonic seconds.
    """

    def __init__(self, *, now: float, store_ms: Callable[[], int], is_emoji: Callable[[str], bool]) -> None:
        self.enter_by: float | None = now + ENTER_SECONDS_MAX
        """When to close the connection with `ENTER_TIMEOUT`; None after it has entered a party."""
        self._store_ms = store_ms
        self._is_emoji = is_emoji
        self._is_member = False
        self._undecodable = 0
        self._unknown_codes = 0
        self._allowance = float(COMMANDS_PER_SECOND_MAX)
        self._allowed_at = now

    @staticmethod
    def welcome(client_id: str, instance_id: str, version: str) -> Welcome:
        """Return the first message."""
        return Welcome(client_id, instance_id, version, HEARTBEAT_SECONDS)

    def read(self, frame: str | bytes | None, now: float) -> Iterator[Step]:
        """Yield the steps for a frame; None stands for a frame that is not text."""
        messages = None if frame is None else read_frame(frame)
        if messages is None:
            yield Send(answer_error(Reason.BAD_MESSAGE))
            self._undecodable += 1
            if self._undecodable >= UNDECODABLE_FRAMES_MAX:
                yield Close(CloseCode.ABUSE)
            return
        for message in messages:
            yield from self._handle(message, now)

    def entered(
        self, command: Create | Join | Watch, code: str, token: str, outcome: Joined | Watching
    ) -> CreatedAnswer | JoinedAnswer | WatchingAnswer:
        """Return the answer to a client that has entered a party."""
        self.enter_by = None
        request_id = _echoed(command.request_id)
        if isinstance(outcome, Watching):
            return WatchingAnswer(code=code, epoch=outcome.epoch, version=outcome.version, request_id=request_id)
        self._is_member = True
        if isinstance(command, Create):
            return CreatedAnswer(
                code=code,
                member_id=outcome.member_id,
                token=token,
                expires_at=outcome.expires_at,
                epoch=outcome.epoch,
                version=outcome.version,
                request_id=request_id,
            )
        return JoinedAnswer(
            code=code,
            member_id=outcome.member_id,
            token=token,
            is_host=outcome.is_host,
            resumed=outcome.resumed,
            epoch=outcome.epoch,
            version=outcome.version,
            request_id=request_id,
        )

    def not_entered(
        self,
        command: Create | Join | Watch,
        outcome: Missing | Ended | Locked | Full | Kicked | TooManyWatchers,
        now: float,
    ) -> Iterator[Step]:
        """Yield the steps for a client that the party does not admit."""
        yield self._not_entered(command, outcome.reason, now)
        if isinstance(outcome, Missing):
            yield from self._count_unknown_code()

    def acted(self, command: MemberCommand | Leave, outcome: CommandResult) -> Iterator[Step]:
        """Yield the steps for the result of a member's command."""
        if isinstance(outcome, Accepted):
            if isinstance(command, Leave):
                yield Send(Ok(request_id=_echoed(command.request_id)))
                yield Close(CloseCode.LEFT)
            elif command.request_id is not None:
                yield Send(Ok(request_id=command.request_id))
            return
        retry_after_ms = outcome.retry_after_ms if isinstance(outcome, Rejected) else None
        yield _refusal(command.request_id, outcome.reason, retry_after_ms=retry_after_ms)
        if not isinstance(outcome, Rejected) or outcome.reason in CLOSE_CODES:
            yield Close(CLOSE_CODES[outcome.reason])

    def unavailable(self, command: Command, reason: Reason, now: float, *, in_doubt: bool = False) -> Step:
        """Return the step for a command whose store call failed.

        If `in_doubt`, the store may have carried it out. Creates and joins in doubt are rolled back.
        """
        if isinstance(command, Create | Join | Watch):
            return self._not_entered(command, reason, now)
        answer = answer_error(reason, request_id=command.request_id)
        return Send(msgspec.structs.replace(answer, in_doubt=True) if in_doubt else answer)

    def _handle(self, message: Command | InvalidMessage, now: float) -> Iterator[Step]:
        if not self._allows(now):
            if isinstance(message, Create | Join | Watch) or (isinstance(message, InvalidMessage) and message.entering):
                self._may_enter_until(now + ENTER_SECONDS_MAX)
            yield _refusal(message.request_id, Reason.RATE_LIMITED, retry_after_ms=self._allowed_in_ms())
            return
        match message:
            case InvalidMessage(reason=reason, sentence=sentence, request_id=request_id):
                if message.entering:
                    self._may_enter_until(now + ENTER_SECONDS_MAX)
                yield _refusal(request_id, reason, sentence)
            case Ping():
                yield Send(
                    Pong(server_time=self._store_ms(), id=_echoed(message.id), request_id=_echoed(message.request_id))
                )
            case Create() | Join() | Watch():
                yield from self._handle_enter(message, now)
            case _:
                yield from self._handle_member_command(message)

    def _handle_enter(self, command: Create | Join | Watch, now: float) -> Iterator[Step]:
        if self.enter_by is None:
            yield _refusal(command.request_id, Reason.ALREADY_JOINED)
        elif isinstance(command, Create):
            yield Enter(command)
        elif (code := parse_code(command.code)) is not None:
            yield Enter(command, code)
        elif not normalize_code(command.code):
            yield self._not_entered(command, Reason.CODE_REQUIRED, now)
        else:
            yield from self.not_entered(command, Missing(), now)

    def _handle_member_command(self, command: MemberCommand | Leave) -> Iterator[Step]:
        if not self._is_member:
            yield _refusal(command.request_id, Reason.NOT_JOINED)
        elif isinstance(command, SendReaction) and not self._is_emoji(command.emoji):
            yield _refusal(command.request_id, Reason.NOT_EMOJI)
        elif isinstance(command, SendMessage) and not command.text.strip():
            yield _refusal(command.request_id, Reason.BAD_FIELD, "A message needs something to read")
        else:
            yield Execute(command)

    def _count_unknown_code(self) -> Iterator[Step]:
        self._unknown_codes += 1
        if self._unknown_codes >= UNKNOWN_CODES_MAX:
            yield Close(CloseCode.ABUSE)

    def _not_entered(self, command: Create | Join | Watch, reason: Reason, now: float) -> Send:
        self._may_enter_until(now + ENTER_SECONDS_MAX)
        return _refusal(command.request_id, reason)

    def _may_enter_until(self, instant: float) -> None:
        if self.enter_by is not None:
            self.enter_by = instant

    def _allows(self, now: float) -> bool:
        """Take one command from the flood guard's token bucket; return False if it is empty."""
        refilled = self._allowance + (now - self._allowed_at) * COMMANDS_PER_SECOND_MAX
        self._allowance = min(float(COMMANDS_PER_SECOND_MAX), refilled)
        self._allowed_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _allowed_in_ms(self) -> int:
        """Return after how many milliseconds the flood guard allows the next command."""
        return math.ceil((1 - self._allowance) / COMMANDS_PER_SECOND_MAX * 1000)


def _echoed(request_id: RequestId | None) -> RequestId | msgspec.UnsetType:
    return msgspec.UNSET if request_id is None else request_id


def _refusal(
    request_id: RequestId | None, reason: Reason, sentence: str | None = None, *, retry_after_ms: int | None = None
) -> Send:
    return Send(answer_error(reason, sentence, request_id, retry_after_ms))
