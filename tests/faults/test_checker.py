"""The checker lets a good history pass, and finds what is wrong in each of the bad ones."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.faults.checker import Rule, check, excused_losses
from tests.faults.history import (
    NO_ANSWER,
    Closed,
    Contradicted,
    CountAtRest,
    Ended,
    Ending,
    Entered,
    EnterRequested,
    Entry,
    EventReceived,
    FailedOver,
    FaultEnded,
    FaultStarted,
    History,
    HttpCall,
    Leaving,
    MessageAnswered,
    MessageSent,
    Position,
    Quiesced,
    Refused,
    RoomReceived,
    ViewAtRest,
)

CODE = "BCDFGH"
ANN, BOB = "ann-id", "bob-id"
CONNECTED = frozenset({ANN, BOB})
SEATS = frozenset({(ANN, "Ann"), (BOB, "Bob")})


def at(version: int, epoch: str = "e") -> Position:
    return Position(epoch, version)


def joined(version: int, client: str = "ann", when: float = 3.0) -> EventReceived:
    return EventReceived(when, client, CODE, "MEMBER_JOINED", version, at(version), 100 + version)


def spoken(version: int, client: str, text: str = "hello", when: float = 4.0) -> EventReceived:
    return EventReceived(when, client, CODE, "MESSAGE", version, at(version), 200 + version, text)


def view(client: str, member_id: str, version: int = 3) -> ViewAtRest:
    return ViewAtRest(11, client, CODE, member_id, member_id == ANN, at(version), 300 + version, 1, CONNECTED, SEATS)


ANN_ENTERS = (
    EnterRequested(1.0, "ann", 1, "CREATE", "", "Ann", None),
    Entered(1.1, "ann", "CREATE", CODE, ANN, "Ann", at(1), False),
    RoomReceived(1.2, "ann", CODE, at(1), 301, ()),
)
BOB_ENTERS = (
    EnterRequested(2.0, "bob", 2, "JOIN", CODE, "Bob", None),
    Entered(2.1, "bob", "JOIN", CODE, BOB, "Bob", at(2), False),
    RoomReceived(2.2, "bob", CODE, at(2), 302, ()),
    joined(2),
)
TALK = (
    MessageSent(3.5, "bob", CODE, "hello"),
    MessageAnswered(3.6, "bob", CODE, "hello", ""),
    spoken(3, "ann"),
    spoken(3, "bob"),
)
REST = (
    Quiesced(10),
    view("ann", ANN),
    view("bob", BOB),
    CountAtRest(11, "store", CODE, 1, True, "Ann"),
    HttpCall(12, 12.1, 1, "join", CODE, 200),
)
GOOD = (*ANN_ENTERS, *BOB_ENTERS, *TALK, *REST)


def history(*entries: Entry) -> History:
    return History(sorted(entries, key=lambda entry: entry.at))


def rules(*entries: Entry) -> set[Rule]:
    return {breach.rule for breach in check(history(*entries))}


def without(entries: Sequence[Entry], *gone: Entry) -> list[Entry]:
    assert set(gone) <= set(entries)
    return [entry for entry in entries if entry not in gone]


def bob_returns(since: Position | None, version: int = 3, member_id: str = BOB) -> tuple[Entry, ...]:
    """Bob is lost after all events were received, and comes back."""
    return (
        Closed(5.0, "bob", CODE, 1006),
        EnterRequested(6.0, "bob", 1, "JOIN", CODE, "", since),
        Entered(6.1, "bob", "JOIN", CODE, member_id, "", at(version), True),
    )


def told_again(version: int) -> EventReceived:
    return EventReceived(6.2, "bob", CODE, "MESSAGE", version, at(version), 200 + version, f"more {version}")


def test_sound_history_has_no_breach() -> None:
    assert check(history(*GOOD)) == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(without(GOOD, joined(2)), id="an event that never came"),
        pytest.param([*GOOD, replace(spoken(3, "ann"), at=4.5)], id="an event received twice"),
        pytest.param([*without(GOOD, ANN_ENTERS[2])], id="an event before any ROOM"),
        pytest.param([*GOOD, replace(spoken(4, "ann"), position=at(4, "f"), at=5)], id="another epoch without ROOM"),
        pytest.param([*GOOD, RoomReceived(5, "ann", CODE, at(2), 302, ())], id="a ROOM that goes back"),
        pytest.param([*GOOD, *bob_returns(at(3), 5), told_again(5)], id="a return that skips an event"),
        pytest.param([*GOOD, *bob_returns(None, 4), told_again(4)], id="a return without since and without ROOM"),
        pytest.param(
            [*GOOD, EnterRequested(6, "bob", 1, "JOIN", CODE, "", at(3)),
             Entered(6.1, "bob", "JOIN", CODE, BOB, "", at(4, "f"), True), told_again(4)],
            id="a return into another epoch without ROOM",
        ),
        pytest.param(
            [*GOOD, EventReceived(5, "ann", CODE, "GUEST_COUNT", 5, at(6), 1)], id="a range that begins too late"
        ),
    ],
)  # fmt: skip
def test_version_gap_is_found(bad: list[Entry]) -> None:
    assert Rule.HOLE in rules(*bad)


@pytest.mark.parametrize(
    "good",
    [
        pytest.param([*GOOD, *bob_returns(at(3), 5), told_again(4), told_again(5)], id="a replay"),
        pytest.param([*GOOD, *bob_returns(at(3)), RoomReceived(6.2, "bob", CODE, at(3), 303, ())], id="a ROOM instead"),
        pytest.param([*GOOD, RoomReceived(5, "ann", CODE, at(1, "f"), 301, ())], id="a new epoch by ROOM"),
        pytest.param([*GOOD, EventReceived(5, "ann", CODE, "GUEST_COUNT", 4, at(6), 1)], id="a range that follows"),
    ],
)
def test_consecutive_versions_are_no_gap(good: list[Entry]) -> None:
    assert rules(*good) <= {Rule.NOT_SYNCED}


def test_contradiction_is_breach() -> None:
    assert rules(*GOOD, Contradicted(5, "ann", CODE, "already there")) == {Rule.CONTRADICTION}


@pytest.mark.parametrize(
    "other", [replace(spoken(3, "bob"), digest=999), RoomReceived(4.1, "ann", CODE, at(2), 999, ())]
)  # fmt: skip
def test_conflicting_versions_are_found(other: Entry) -> None:
    assert Rule.CONFLICTING_VERSIONS in rules(*GOOD, other)


def test_events_of_replaced_primary_are_counted_apart() -> None:
    other = replace(spoken(3, "bob"), digest=999)
    crash = FaultStarted(3.9, "kill", forgets_newest=True)
    took_place = [crash, FailedOver(4.5)]
    assert Rule.TWO_PRIMARIES in rules(*GOOD, other, *took_place)
    assert Rule.CONFLICTING_VERSIONS not in rules(*GOOD, other, *took_place)
    assert Rule.CONFLICTING_VERSIONS in rules(*GOOD, other, FaultStarted(3.9, "kill"), FailedOver(4.5))
    assert Rule.CONFLICTING_VERSIONS in rules(*GOOD, other, FaultStarted(8, "kill", forgets_newest=True), FailedOver(9))
    # Contradicted when all was quiet, or long after another primary's events.
    assert Rule.CONFLICTING_VERSIONS in rules(*GOOD, replace(other, at=10.5), *took_place)
    late = [FaultStarted(8, "kill", forgets_newest=True), FailedOver(9)]
    assert Rule.CONFLICTING_VERSIONS in rules(*GOOD, replace(other, at=8.5), *late)
    # The succession of another strike makes no window longer.
    assert Rule.CONFLICTING_VERSIONS in rules(
        *GOOD, replace(other, at=7), replace(crash, at=1), replace(crash, at=8), FailedOver(9)
    )


def test_merged_counts_may_differ_between_clients() -> None:
    counts = [EventReceived(5, client, CODE, "GUEST_COUNT", 4, at(6), n) for n, client in enumerate(("ann", "bob"))]
    assert Rule.CONFLICTING_VERSIONS not in rules(*GOOD, *counts)


@pytest.mark.parametrize(
    "denial",
    [
        pytest.param([HttpCall(5, 5.1, 1, "join", CODE, 404, "party_not_found")], id="a join by HTTP"),
        pytest.param([HttpCall(5, 5.1, 1, "join", CODE, 404, "party_ended")], id="an end that was not"),
        pytest.param([HttpCall(5, 5.1, 1, "look-up", CODE, 200, found=False)], id="a look-up"),
        pytest.param(
            [EnterRequested(5, "cleo", 1, "JOIN", CODE, "Cleo", None),
             Refused(5.1, "cleo", "JOIN", CODE, "Cleo", "party_not_found")],
            id="a join by WebSocket",
        ),
        pytest.param([Closed(5, "bob", CODE, 4503)], id="a farewell for good"),
    ],
)  # fmt: skip
def test_false_404_is_found(denial: list[Entry]) -> None:
    assert Rule.FALSE_404 in rules(*GOOD, *denial)
    assert Rule.FALSE_404 not in rules(*GOOD, *denial, Ending(4.9, CODE))


def test_404_before_confirmation_is_no_breach() -> None:
    early = HttpCall(1.0, 1.05, 1, "join", CODE, 404, "party_not_found")
    other = HttpCall(5.0, 5.1, 1, "join", "CCCCCC", 404, "party_not_found")
    assert rules(*GOOD, early, other) == set()


def test_503_and_silence_are_no_404() -> None:
    refusals = [HttpCall(5, 5.1, 1, "join", CODE, 503, "store_unavailable"), HttpCall(6, 9, 1, "join", CODE, NO_ANSWER)]
    assert rules(*GOOD, *refusals) == set()


def test_only_newest_creates_of_lossy_store_are_excused() -> None:
    made = HttpCall(5, 5.1, 1, "create", "CCCCCC", 200, name="x")
    gone = HttpCall(7, 7.1, 1, "join", "CCCCCC", 404, "party_not_found")
    assert rules(*GOOD, made, gone) == {Rule.FALSE_404}
    assert rules(*GOOD, made, gone, FaultStarted(5.5, "kill")) == {Rule.FALSE_404}
    assert rules(*GOOD, made, gone, FaultStarted(6.2, "kill", forgets_newest=True)) == {Rule.FALSE_404}
    excused = history(*GOOD, made, gone, FaultStarted(5.5, "kill", forgets_newest=True))
    assert check(excused) == []
    assert excused_losses(excused) == {"CCCCCC"}


def test_data_loss_excuses_party_only_store_knew() -> None:
    old = HttpCall(-70, -69, 1, "create", "CCCCCC", 200, name="x")
    young = HttpCall(-50, -49, 1, "create", "DDDDDD", 200, name="y")
    gone = [HttpCall(7, 7.1, 1, "join", code, 404, "party_not_found") for code in ("CCCCCC", "DDDDDD")]
    found = check(history(*GOOD, old, young, *gone, FaultStarted(5.5, "flush", forgets=True)))
    assert [breach.rule for breach in found] == [Rule.FALSE_404]
    assert "DDDDDD" in found[0].sentence


def test_data_loss_excuses_party_of_ended_instance() -> None:
    made = HttpCall(-50, -49, 1, "create", "CCCCCC", 200, name="x")
    gone = HttpCall(7, 7.1, 1, "join", "CCCCCC", 404, "party_not_found")
    flush = FaultStarted(5.5, "flush", forgets=True)
    assert rules(*GOOD, made, gone, flush, FaultStarted(4.5, "kill", ends_instances=True)) == set()
    before = (FaultStarted(-60, "kill", ends_instances=True), FaultEnded(-55))
    assert rules(*GOOD, made, gone, flush, *before) == {Rule.FALSE_404}
    assert rules(*GOOD, made, gone, flush, FaultStarted(5.6, "kill", ends_instances=True)) == {Rule.FALSE_404}


def test_resurrected_party_is_found() -> None:
    brief = HttpCall(5, 5.1, 1, "create", "CCCCCC", 200, name="x")
    over = (brief, Ending(5.5, "CCCCCC"), Ended(6, "CCCCCC"))
    asked = HttpCall(7, 7.1, 1, "join", "CCCCCC", 404, "party_ended")
    assert rules(*GOOD, *over, asked) == set()
    assert rules(*GOOD, *over, replace(asked, status=200)) == {Rule.RESURRECTED}
    assert rules(*GOOD, *over, replace(asked, at=5.9, status=200)) == set()
    crash = FaultStarted(6.5, "kill", forgets_newest=True)
    assert rules(*GOOD, *over, replace(asked, status=200), crash) == set()


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(bob_returns(None, member_id="new-id"), id="another seat"),
        pytest.param((Entered(6, "bob", "JOIN", CODE, BOB, "", at(3), False),), id="a seat taken anew"),
        pytest.param((Closed(5, "bob", CODE, 4409),), id="a farewell to the seat"),
        pytest.param((EventReceived(5, "ann", CODE, "MEMBER_LEFT", 4, at(4), 1, BOB),), id="others receive it"),
    ],
)
def test_lost_seat_is_found_once(loss: tuple[Entry, ...]) -> None:
    found = [breach.rule for breach in check(history(*GOOD, *loss, *loss))]
    assert found.count(Rule.LOST_SEAT) == 1
    assert Rule.LOST_SEAT not in rules(*GOOD, Leaving(4.5, "bob", CODE), *loss)


def test_party_left_by_failed_create_is_found() -> None:
    left = CountAtRest(11, "store", "CCCCCC", 0, False, "caller 7")
    failed = HttpCall(5, 6, 1, "create", "", 500, "store_unavailable", "caller 7")
    assert rules(*GOOD, failed, left) == {Rule.FAILED_CREATE}
    assert rules(*GOOD, replace(failed, status=NO_ANSWER), left) == set()
    refused = Refused(5, "dan", "CREATE", "", "caller 7", "store_unavailable")
    assert rules(*GOOD, refused, left) == {Rule.FAILED_CREATE}
    repeated = Entered(7, "dan", "CREATE", "CCCCCC", "dan-id", "caller 8", at(1), False)
    assert Rule.FAILED_CREATE not in rules(*GOOD, refused, repeated, left)


def test_seat_left_by_failed_join_is_found() -> None:
    failed = Refused(5, "dan", "JOIN", CODE, "Dan", "store_unavailable")
    full = [
        replace(entry, seats=SEATS | {("dan-id", "Dan")}) if isinstance(entry, ViewAtRest) else entry for entry in GOOD
    ]
    assert rules(*full, failed) == {Rule.FAILED_JOIN}
    repeated = Entered(6, "dan", "JOIN", CODE, "dan-id", "Dan again", at(4), False)
    assert Rule.FAILED_JOIN not in rules(*full, failed, repeated)


def test_failed_command_with_effect_is_found() -> None:
    failed = MessageAnswered(3.6, "bob", CODE, "hello", "chat_locked")
    assert rules(*without(GOOD, TALK[1]), failed) == {Rule.FAILED_COMMAND}
    doubtful = replace(failed, reason="store_unavailable", in_doubt=True)
    assert rules(*without(GOOD, TALK[1]), doubtful) == {Rule.COMMAND_IN_DOUBT}
    assert rules(*without(GOOD, TALK[1])) == set()
    unheard = MessageAnswered(5, "bob", CODE, "unheard", "rate_limited")
    assert rules(*GOOD, unheard) == set()
    in_a_room = RoomReceived(6, "ann", CODE, at(3), 303, ("unheard",))
    assert rules(*GOOD, unheard, in_a_room) == {Rule.FAILED_COMMAND}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(CountAtRest(11, "store", CODE, 2, True, "Ann"), id="a document with a ghost"),
        pytest.param(CountAtRest(11, "instance", CODE, 1, False, "Ann"), id="a look-up that misses the host"),
        pytest.param(CountAtRest(11, "instance", "CCCCCC", 1, False, "x"), id="a guest in a party that nobody entered"),
        pytest.param(replace(view("ann", ANN), guest_count=2), id="a view that counts too many"),
        pytest.param(replace(view("ann", ANN), connected=frozenset({ANN})), id="a view that misses a member"),
    ],
)
def test_wrong_count_at_rest_is_found(wrong: Entry) -> None:
    kept = [entry for entry in GOOD if not (isinstance(wrong, ViewAtRest) and entry == view("ann", ANN))]
    assert rules(*kept, wrong) == {Rule.COUNT}


def test_client_behind_different_or_absent_is_found() -> None:
    others = without(GOOD, view("bob", BOB))
    assert rules(*others, view("bob", BOB, version=2)) == {Rule.NOT_SYNCED}
    assert rules(*others, replace(view("bob", BOB), digest=999)) == {Rule.NOT_SYNCED}
    assert rules(*others) == {Rule.LOST_SEAT, Rule.COUNT}
    assert Rule.LOST_SEAT not in rules(*others, Leaving(9, "bob", CODE))
