"""Run one client's session on frames and on results of the service."""

import json
from typing import Any

import pytest

from hubbub.core.errors import CloseCode, Reason
from hubbub.core.protocol import (
    Create,
    CreatedAnswer,
    ErrorAnswer,
    Join,
    JoinedAnswer,
    Leave,
    Ok,
    Pong,
    Rename,
    SendMessage,
    SendReaction,
    Watch,
    WatchingAnswer,
    Welcome,
    encode,
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
from hubbub.core.session import Close, Enter, Execute, Send, Session, Step

START = 100.0
JOIN = {"t": "JOIN", "code": "BCDFGH"}
JOINED = Joined("ann", is_host=False, resumed=True, epoch="e", version=7, expires_at=9)
WATCHING = Watching(epoch="e", version=7, expires_at=9, watchers=1)
REFUSALS = [Missing(), Ended(), Locked(), Full(), Kicked(), TooManyWatchers()]


@pytest.fixture
def session() -> Session:
    """A conversation that has just begun; the store's clock says 5000, and only a heart is an emoji."""
    return Session(now=START, store_ms=lambda: 5000, is_emoji=lambda text: text == "❤")


@pytest.fixture
def member(session: Session) -> Session:
    """The same, in a party."""
    session.entered(Join(code="BCDFGH"), "BCDFGH", "token", JOINED)
    return session


@pytest.fixture
def watcher(session: Session) -> Session:
    """The same, watching a party."""
    session.entered(Watch(code="BCDFGH"), "BCDFGH", "", WATCHING)
    return session


def hear(session: Session, *messages: Any, now: float = START) -> list[Step]:
    """All that follows from a frame, where nothing is asked of the service."""
    return list(session.read(json.dumps(messages), now))


def reasons(steps: list[Step]) -> list[str]:
    """What was refused, and how the connection was closed."""
    found = []
    for step in steps:
        if isinstance(step, Close):
            found.append(str(step.code.value))
        else:
            assert isinstance(step, Send)
            assert isinstance(step.message, ErrorAnswer)
            found.append(step.message.reason.value)
    return found


def test_first_message_selects_client_and_language() -> None:
    assert Session.welcome("c", "i", "1.0") == Welcome("c", "i", "1.0", heartbeat_seconds=20, protocol=1)


# Before there is a party.


def test_code_is_normalized_before_lookup(session: Session) -> None:
    (enter,) = hear(session, {"t": "JOIN", "code": " bcd-fgh "})
    assert enter == Enter(Join(code=" bcd-fgh "), "BCDFGH")
    assert hear(session, {"t": "WATCH", "code": "bcdfgh"}) == [Enter(Watch(code="bcdfgh"), "BCDFGH")]
    assert hear(session, {"t": "CREATE"}) == [Enter(Create())]


@pytest.mark.parametrize("code", ["", " ", "-", " - \u200b"])
def test_empty_code_is_refused(session: Session, code: str) -> None:
    assert reasons(hear(session, {"t": "JOIN", "code": code})) == ["code_required"]
    assert reasons(hear(session, {"t": "WATCH", "code": code})) == ["code_required"]


@pytest.mark.parametrize("outcome", REFUSALS)
def test_refused_enter_has_reason(session: Session, outcome: Any) -> None:
    steps = list(session.not_entered(Join(code="BCDFGH", request_id="r"), outcome, START))
    assert reasons(steps) == [outcome.reason]
    assert isinstance(steps[0], Send)
    assert steps[0].message.request_id == "r"  # type: ignore[union-attr]
    assert session.enter_by is not None


# Entering.


def test_created_answer_has_code_token_and_expiry(session: Session) -> None:
    answer = session.entered(Create(request_id=1), "BCDFGH", "secret", JOINED)
    assert answer == CreatedAnswer(
        code="BCDFGH", member_id="ann", token="secret", expires_at=9, epoch="e", version=7, request_id=1
    )


def test_joined_answer_has_seat(session: Session) -> None:
    answer = session.entered(Join(code="bcdfgh"), "BCDFGH", "secret", JOINED)
    assert answer == JoinedAnswer(
        code="BCDFGH", member_id="ann", token="secret", is_host=False, resumed=True, epoch="e", version=7
    )


def test_watching_answer_has_no_seat(session: Session) -> None:
    answer = session.entered(Watch(code="bcdfgh"), "BCDFGH", "", WATCHING)
    assert answer == WatchingAnswer(code="BCDFGH", epoch="e", version=7)


def test_watcher_may_only_watch_and_ping(watcher: Session) -> None:
    commands = ({"t": "SEND_MESSAGE", "text": " "}, {"t": "SEND_REACTION", "emoji": "no"}, {"t": "LEAVE"}, JOIN)
    assert reasons(hear(watcher, *commands)) == ["not_joined", "not_joined", "not_joined", "already_joined"]
    assert hear(watcher, {"t": "PING"}) == [Send(Pong(server_time=5000))]


# Acting.


def test_member_command_is_passed_on(member: Session) -> None:
    assert hear(member, {"t": "RENAME", "name": "x"}, {"t": "LEAVE"}) == [Execute(Rename(name="x")), Execute(Leave())]


def test_reaction_and_message_must_have_content(member: Session) -> None:
    assert reasons(hear(member, {"t": "SEND_REACTION", "emoji": "x"})) == ["not_emoji"]
    assert reasons(hear(member, {"t": "SEND_MESSAGE", "text": " \n\t\u2003"})) == ["bad_field"]
    passed = hear(member, {"t": "SEND_REACTION", "emoji": "❤"}, {"t": "SEND_MESSAGE", "text": " x "})
    assert passed == [Execute(SendReaction(emoji="❤")), Execute(SendMessage(text=" x "))]


def test_command_with_request_id_is_answered(member: Session) -> None:
    assert list(member.acted(Rename(name="x"), Accepted())) == []
    assert list(member.acted(Rename(name="x", request_id=0), Accepted())) == [Send(Ok(request_id=0))]
    assert list(member.acted(Leave(request_id=""), Accepted())) == [Send(Ok(request_id="")), Close(CloseCode.LEFT)]


def test_refusal_says_when_to_try_again(member: Session) -> None:
    (step,) = member.acted(Rename(name="x"), Rejected(Reason.RATE_LIMITED, retry_after_ms=700))
    assert isinstance(step, Send)
    assert b'"retryAfterMs":700' in encode(step.message)


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Rejected(Reason.NOT_HOST), ["not_host"]),
        (Rejected(Reason.NO_TRACK), ["no_track"]),
        (Rejected(Reason.CHAT_LOCKED), ["chat_locked"]),
        (Rejected(Reason.KICKED), ["kicked", "4504"]),
        (Rejected(Reason.TIMED_OUT), ["timed_out", "4409"]),
        (Rejected(Reason.TAKEN_OVER), ["taken_over", "4509"]),
        (Missing(), ["party_not_found", "4503"]),
        (Ended(), ["party_ended", "4503"]),
    ],
)
def test_refusal_closes_only_if_seat_is_lost(member: Session, outcome: CommandResult, told: list[str]) -> None:
    assert reasons(list(member.acted(Rename(name="x", request_id=3), outcome))) == told


def test_unavailable_store_is_answered_without_close(session: Session) -> None:
    away, healing = Reason.STORE_UNAVAILABLE, Reason.RECOVERING
    assert reasons([session.unavailable(Join(code="x"), away, START)]) == ["store_unavailable"]
    assert reasons([session.unavailable(Join(code="x"), healing, START)]) == ["recovering"]
    session.entered(Join(code="BCDFGH"), "BCDFGH", "token", JOINED)
    assert reasons([session.unavailable(Leave(), away, START)]) == ["store_unavailable"]
    certain = session.unavailable(Rename(name="x"), away, START)
    doubtful = session.unavailable(Rename(name="x"), away, START, in_doubt=True)
    assert isinstance(certain, Send)
    assert isinstance(doubtful, Send)
    assert b"inDoubt" not in encode(certain.message)
    assert b'"inDoubt":true' in encode(doubtful.message)
    assert session.enter_by is None


def test_ping_is_answered_with_store_time(session: Session) -> None:
    assert hear(session, {"t": "PING"}) == [Send(Pong(server_time=5000))]
    session.entered(Join(code="BCDFGH"), "BCDFGH", "token", JOINED)
    both = hear(session, {"t": "PING", "id": 0, "requestId": "r"})
    assert both == [Send(Pong(server_time=5000, id=0, request_id="r"))]


# Batches.


def test_batch_after_refused_join_is_refused(session: Session) -> None:
    steps = session.read(json.dumps([JOIN, {"t": "SEND_MESSAGE", "text": "hi"}, JOIN]), START)
    enter = next(steps)
    assert isinstance(enter, Enter)
    assert reasons(list(session.not_entered(enter.command, Full(), START))) == ["party_full"]
    refused, again = steps
    assert reasons([refused]) == ["not_joined"]
    assert isinstance(again, Enter)


def test_bad_message_does_not_stop_its_batch(member: Session) -> None:
    steps = hear(member, {"t": "X"}, {"t": "RENAME"}, {"t": "RENAME", "name": "x"})
    assert reasons(steps[:2]) == ["unknown_message", "bad_field"]
    assert steps[2:] == [Execute(Rename(name="x"))]


# How long a client may stay outside.


def test_client_has_ten_seconds_to_enter(session: Session) -> None:
    assert session.enter_by == START + 10
    hear(session, {"t": "PING"}, {"t": "LEAVE"}, {"t": "X"}, now=START + 5)
    list(session.read("junk", START + 5))
    assert session.enter_by == START + 10


def test_refused_attempt_extends_entry_timeout(session: Session) -> None:
    moment = START
    for message in (
        {"t": "JOIN"},
        {"t": "JOIN", "code": 5},
        {"t": "JOIN", "code": ""},
        {"t": "JOIN", "code": "nope"},
        {"t": "WATCH", "code": []},
        {"t": "CREATE", "token": "short"},
        {"t": "CREATE", "name": 5},
    ):
        moment += 3
        hear(session, message, now=moment)
        assert session.enter_by == moment + 10, message
    for outcome in REFUSALS:
        moment += 3
        list(session.not_entered(Join(code="BCDFGH"), outcome, moment))  # type: ignore[arg-type]
        assert session.enter_by == moment + 10, outcome
    session.unavailable(Create(), Reason.STORE_UNAVAILABLE, moment + 1)
    assert session.enter_by == moment + 11


def test_member_stays_after_many_refusals(member: Session) -> None:
    refused = hear(member, JOIN, {"t": "JOIN"}, {"t": "CREATE", "token": ""}, {"t": "CREATE"}, now=START + 50)
    assert reasons(refused) == ["already_joined", "code_required", "token_invalid", "already_joined"]
    assert member.enter_by is None


# Those who misbehave.


@pytest.mark.parametrize("frame", ["junk", "[]", b"\xff", None])
def test_ten_undecodable_frames_close_connection(session: Session, frame: str | bytes | None) -> None:
    for _ in range(9):
        assert reasons(list(session.read(frame, START))) == ["bad_message"]
        hear(session, {"t": "PING"}, now=START + 60)
    assert reasons(list(session.read(frame, START))) == ["bad_message", "4513"]


def test_five_unknown_codes_close_connection(session: Session) -> None:
    for number in range(4):
        attempt = Join(code="BCDFGH") if number % 2 else Watch(code="BCDFGH")
        assert reasons(list(session.not_entered(attempt, Missing(), START))) == ["party_not_found"]
        assert reasons(list(session.not_entered(attempt, Ended(), START))) == ["party_ended"]
        hear(session, {"t": "JOIN", "code": ""}, {"t": "JOIN"})
    assert reasons(hear(session, {"t": "JOIN", "code": "nope"})) == ["party_not_found", "4513"]


def test_flood_is_refused_without_close(session: Session) -> None:
    flood = [{"t": "PING", "requestId": number} for number in range(25)]
    steps = hear(session, *flood)
    assert all(isinstance(step, Send) and isinstance(step.message, Pong) for step in steps[:20])
    assert reasons(steps[20:]) == ["rate_limited"] * 5
    assert [step.message.request_id for step in steps] == list(range(25))  # type: ignore[union-attr]


def test_flood_guard_refills_twenty_a_second(session: Session) -> None:
    pings = [{"t": "PING"}] * 40
    assert len(reasons(hear(session, *pings)[20:])) == 20
    assert len(reasons(hear(session, *pings, now=START + 0.5)[10:])) == 30
    assert len(reasons(hear(session, *pings, now=START + 3600)[20:])) == 20
    assert reasons(hear(session, {"t": "PING"}, now=START + 3600.04)) == ["rate_limited"]


def test_refused_messages_count_towards_flood(session: Session) -> None:
    assert reasons(hear(session, *[{"t": "X"}] * 21)) == ["unknown_message"] * 20 + ["rate_limited"]
    assert reasons(list(session.read("junk", START))) == ["bad_message"]


def test_attempt_refused_in_flood_extends_entry_timeout(session: Session) -> None:
    hear(session, *[{"t": "PING"}] * 20, now=START + 9)
    assert reasons(hear(session, JOIN, now=START + 9)) == ["rate_limited"]
    assert session.enter_by == START + 19
