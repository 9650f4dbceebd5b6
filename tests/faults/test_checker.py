"""The checker lets a good history pass, and finds what is wrong in each of the bad ones."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.faults.checker import Rule, check, excused_losses
from tests.faults.history import (
    NO_ANSWER,
    Asked,
    Called,
    Closed,
    Contradicted,
    CountAtRest,
    Ended,
    Ending,
    Entered,
    Entry,
    EventTold,
    FailedOver,
    History,
    Leaving,
    Over,
    Position,
    Refused,
    Rested,
    RoomTold,
    Said,
    SayAnswered,
    Struck,
    ViewAtRest,
)

CODE = "BCDFGH"
ANN, BOB = "ann-id", "bob-id"
CONNECTED = frozenset({ANN, BOB})
SEATS = frozenset({(ANN, "Ann"), (BOB, "Bob")})


def at(version: int, epoch: str = "e") -> Position:
    return Position(epoch, version)


def joined(version: int, client: str = "ann", when: float = 3.0) -> EventTold:
    return EventTold(when, client, CODE, "MEMBER_JOINED", version, at(version), 100 + version)


def spoken(version: int, client: str, text: str = "hello", when: float = 4.0) -> EventTold:
    return EventTold(when, client, CODE, "MESSAGE", version, at(version), 200 + version, text)


def view(client: str, member_id: str, version: int = 3) -> ViewAtRest:
    return ViewAtRest(11, client, CODE, member_id, member_id == ANN, at(version), 300 + version, 1, CONNECTED, SEATS)


ANN_ENTERS = (
    Asked(1.0, "ann", 1, "CREATE", "", "Ann", None),
    Entered(1.1, "ann", "CREATE", CODE, ANN, "Ann", at(1), False),
    RoomTold(1.2, "ann", CODE, at(1), 301, ()),
)
BOB_ENTERS = (
    Asked(2.0, "bob", 2, "JOIN", CODE, "Bob", None),
    Entered(2.1, "bob", "JOIN", CODE, BOB, "Bob", at(2), False),
    RoomTold(2.2, "bob", CODE, at(2), 302, ()),
    joined(2),
)
TALK = (
    Said(3.5, "bob", CODE, "hello"),
    SayAnswered(3.6, "bob", CODE, "hello", ""),
    spoken(3, "ann"),
    spoken(3, "bob"),
)
REST = (
    Rested(10),
    view("ann", ANN),
    view("bob", BOB),
    CountAtRest(11, "store", CODE, 1, True, "Ann"),
    Called(12, 12.1, 1, "join", CODE, 200),
)
GOOD = (*ANN_ENTERS, *BOB_ENTERS, *TALK, *REST)


def story(*entries: Entry) -> History:
    return History(sorted(entries, key=lambda entry: entry.at))


def rules(*entries: Entry) -> set[Rule]:
    return {breach.rule for breach in check(story(*entries))}


def without(entries: Sequence[Entry], *gone: Entry) -> list[Entry]:
    assert set(gone) <= set(entries)
    return [entry for entry in entries if entry not in gone]


def bob_returns(since: Position | None, version: int = 3, member_id: str = BOB) -> tuple[Entry, ...]:
    """Bob is lost after all was told, and comes back."""
    return (
        Closed(5.0, "bob", CODE, 1006),
        Asked(6.0, "bob", 1, "JOIN", CODE, "", since),
        Entered(6.1, "bob", "JOIN", CODE, member_id, "", at(version), True),
    )


def told_again(version: int) -> EventTold:
    return EventTold(6.2, "bob", CODE, "MESSAGE", version, at(version), 200 + version, f"more {version}")


def test_a_good_evening_has_no_breach() -> None:
    assert check(story(*GOOD)) == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(without(GOOD, joined(2)), id="an event that never came"),
        pytest.param([*GOOD, replace(spoken(3, "ann"), at=4.5)], id="an event told twice"),
        pytest.param([*without(GOOD, ANN_ENTERS[2])], id="an event before any ROOM"),
        pytest.param([*GOOD, replace(spoken(4, "ann"), position=at(4, "f"), at=5)], id="another epoch without ROOM"),
        pytest.param([*GOOD, RoomTold(5, "ann", CODE, at(2), 302, ())], id="a ROOM that goes back"),
        pytest.param([*GOOD, *bob_returns(at(3), 5), told_again(5)], id="a return that skips an event"),
        pytest.param([*GOOD, *bob_returns(None, 4), told_again(4)], id="a return without since and without ROOM"),
        pytest.param(
            [*GOOD, Asked(6, "bob", 1, "JOIN", CODE, "", at(3)),
             Entered(6.1, "bob", "JOIN", CODE, BOB, "", at(4, "f"), True), told_again(4)],
            id="a return into another epoch without ROOM",
        ),
        pytest.param(
            [*GOOD, EventTold(5, "ann", CODE, "GUEST_COUNT", 5, at(6), 1)], id="a range that begins too late"
        ),
    ],
)  # fmt: skip
def test_a_hole_is_found(bad: list[Entry]) -> None:
    assert Rule.HOLE in rules(*bad)


@pytest.mark.parametrize(
    "good",
    [
        pytest.param([*GOOD, *bob_returns(at(3), 5), told_again(4), told_again(5)], id="a replay"),
        pytest.param([*GOOD, *bob_returns(at(3)), RoomTold(6.2, "bob", CODE, at(3), 303, ())], id="a ROOM instead"),
        pytest.param([*GOOD, RoomTold(5, "ann", CODE, at(1, "f"), 301, ())], id="a new epoch by ROOM"),
        pytest.param([*GOOD, EventTold(5, "ann", CODE, "GUEST_COUNT", 4, at(6), 1)], id="a range that follows"),
    ],
)
def test_what_follows_is_no_hole(good: list[Entry]) -> None:
    assert rules(*good) <= {Rule.NOT_LEVEL}


def test_a_contradiction_is_a_breach() -> None:
    assert rules(*GOOD, Contradicted(5, "ann", CODE, "already there")) == {Rule.CONTRADICTION}


@pytest.mark.parametrize(
    "other", [replace(spoken(3, "bob"), digest=999), RoomTold(4.1, "ann", CODE, at(2), 999, ())]
)  # fmt: skip
def test_two_truths_under_one_number_are_found(other: Entry) -> None:
    assert Rule.TWO_TRUTHS in rules(*GOOD, other)


def test_what_a_primary_told_while_another_took_its_place_is_counted_apart() -> None:
    other = replace(spoken(3, "bob"), digest=999)
    crash = Struck(3.9, "kill", forgets_newest=True)
    took_place = [crash, FailedOver(4.5)]
    assert Rule.TWO_PRIMARIES in rules(*GOOD, other, *took_place)
    assert Rule.TWO_TRUTHS not in rules(*GOOD, other, *took_place)
    assert Rule.TWO_TRUTHS in rules(*GOOD, other, Struck(3.9, "kill"), FailedOver(4.5))
    assert Rule.TWO_TRUTHS in rules(*GOOD, other, Struck(8, "kill", forgets_newest=True), FailedOver(9))
    # Told otherwise when all was quiet, or long after what another primary told.
    assert Rule.TWO_TRUTHS in rules(*GOOD, replace(other, at=10.5), *took_place)
    late = [Struck(8, "kill", forgets_newest=True), FailedOver(9)]
    assert Rule.TWO_TRUTHS in rules(*GOOD, replace(other, at=8.5), *late)
    # The succession of another strike makes no window longer.
    assert Rule.TWO_TRUTHS in rules(
        *GOOD, replace(other, at=7), replace(crash, at=1), replace(crash, at=8), FailedOver(9)
    )


def test_merged_counts_may_differ_from_client_to_client() -> None:
    counts = [EventTold(5, client, CODE, "GUEST_COUNT", 4, at(6), n) for n, client in enumerate(("ann", "bob"))]
    assert Rule.TWO_TRUTHS not in rules(*GOOD, *counts)


@pytest.mark.parametrize(
    "denial",
    [
        pytest.param([Called(5, 5.1, 1, "join", CODE, 404, "party_not_found")], id="a join by HTTP"),
        pytest.param([Called(5, 5.1, 1, "join", CODE, 404, "party_ended")], id="an end that was not"),
        pytest.param([Called(5, 5.1, 1, "look-up", CODE, 200, found=False)], id="a look-up"),
        pytest.param(
            [Asked(5, "cleo", 1, "JOIN", CODE, "Cleo", None),
             Refused(5.1, "cleo", "JOIN", CODE, "Cleo", "party_not_found")],
            id="a join by WebSocket",
        ),
        pytest.param([Closed(5, "bob", CODE, 4503)], id="a farewell for good"),
    ],
)  # fmt: skip
def test_a_false_404_is_found(denial: list[Entry]) -> None:
    assert Rule.FALSE_404 in rules(*GOOD, *denial)
    assert Rule.FALSE_404 not in rules(*GOOD, *denial, Ending(4.9, CODE))


def test_a_404_before_the_party_was_confirmed_or_for_another_code_is_true() -> None:
    early = Called(1.0, 1.05, 1, "join", CODE, 404, "party_not_found")
    other = Called(5.0, 5.1, 1, "join", "CCCCCC", 404, "party_not_found")
    assert rules(*GOOD, early, other) == set()


def test_a_503_and_silence_are_no_404() -> None:
    refusals = [Called(5, 5.1, 1, "join", CODE, 503, "store_unavailable"), Called(6, 9, 1, "join", CODE, NO_ANSWER)]
    assert rules(*GOOD, *refusals) == set()


def test_only_the_newest_creates_of_a_store_that_may_forget_them_are_excused() -> None:
    made = Called(5, 5.1, 1, "create", "CCCCCC", 200, name="x")
    gone = Called(7, 7.1, 1, "join", "CCCCCC", 404, "party_not_found")
    assert rules(*GOOD, made, gone) == {Rule.FALSE_404}
    assert rules(*GOOD, made, gone, Struck(5.5, "kill")) == {Rule.FALSE_404}
    assert rules(*GOOD, made, gone, Struck(6.2, "kill", forgets_newest=True)) == {Rule.FALSE_404}
    excused = story(*GOOD, made, gone, Struck(5.5, "kill", forgets_newest=True))
    assert check(excused) == []
    assert excused_losses(excused) == {"CCCCCC"}


def test_a_store_that_forgets_excuses_what_only_it_knew() -> None:
    old = Called(-70, -69, 1, "create", "CCCCCC", 200, name="x")
    young = Called(-50, -49, 1, "create", "DDDDDD", 200, name="y")
    gone = [Called(7, 7.1, 1, "join", code, 404, "party_not_found") for code in ("CCCCCC", "DDDDDD")]
    found = check(story(*GOOD, old, young, *gone, Struck(5.5, "flush", forgets=True)))
    assert [breach.rule for breach in found] == [Rule.FALSE_404]
    assert "DDDDDD" in found[0].sentence


def test_a_store_that_forgets_excuses_what_only_an_instance_knew_that_has_ended_since() -> None:
    made = Called(-50, -49, 1, "create", "CCCCCC", 200, name="x")
    gone = Called(7, 7.1, 1, "join", "CCCCCC", 404, "party_not_found")
    flush = Struck(5.5, "flush", forgets=True)
    assert rules(*GOOD, made, gone, flush, Struck(4.5, "kill", ends_instances=True)) == set()
    before = (Struck(-60, "kill", ends_instances=True), Over(-55))
    assert rules(*GOOD, made, gone, flush, *before) == {Rule.FALSE_404}
    assert rules(*GOOD, made, gone, flush, Struck(5.6, "kill", ends_instances=True)) == {Rule.FALSE_404}


def test_a_party_that_is_there_again_after_its_end_is_found() -> None:
    brief = Called(5, 5.1, 1, "create", "CCCCCC", 200, name="x")
    over = (brief, Ending(5.5, "CCCCCC"), Ended(6, "CCCCCC"))
    asked = Called(7, 7.1, 1, "join", "CCCCCC", 404, "party_ended")
    assert rules(*GOOD, *over, asked) == set()
    assert rules(*GOOD, *over, replace(asked, status=200)) == {Rule.RISEN}
    assert rules(*GOOD, *over, replace(asked, at=5.9, status=200)) == set()
    crash = Struck(6.5, "kill", forgets_newest=True)
    assert rules(*GOOD, *over, replace(asked, status=200), crash) == set()


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(bob_returns(None, member_id="new-id"), id="another seat"),
        pytest.param((Entered(6, "bob", "JOIN", CODE, BOB, "", at(3), False),), id="a seat taken anew"),
        pytest.param((Closed(5, "bob", CODE, 4409),), id="a farewell to the seat"),
        pytest.param((EventTold(5, "ann", CODE, "MEMBER_LEFT", 4, at(4), 1, BOB),), id="others are told"),
    ],
)
def test_a_lost_seat_is_found_once(loss: tuple[Entry, ...]) -> None:
    found = [breach.rule for breach in check(story(*GOOD, *loss, *loss))]
    assert found.count(Rule.LOST_SEAT) == 1
    assert Rule.LOST_SEAT not in rules(*GOOD, Leaving(4.5, "bob", CODE), *loss)


def test_a_party_left_by_a_failed_create_is_found() -> None:
    left = CountAtRest(11, "store", "CCCCCC", 0, False, "caller 7")
    failed = Called(5, 6, 1, "create", "", 500, "store_unavailable", "caller 7")
    assert rules(*GOOD, failed, left) == {Rule.FAILED_CREATE}
    assert rules(*GOOD, replace(failed, status=NO_ANSWER), left) == set()
    refused = Refused(5, "dan", "CREATE", "", "caller 7", "store_unavailable")
    assert rules(*GOOD, refused, left) == {Rule.FAILED_CREATE}
    repeated = Entered(7, "dan", "CREATE", "CCCCCC", "dan-id", "caller 8", at(1), False)
    assert Rule.FAILED_CREATE not in rules(*GOOD, refused, repeated, left)


def test_a_seat_left_by_a_failed_join_is_found() -> None:
    failed = Refused(5, "dan", "JOIN", CODE, "Dan", "store_unavailable")
    full = [
        replace(entry, seats=SEATS | {("dan-id", "Dan")}) if isinstance(entry, ViewAtRest) else entry for entry in GOOD
    ]
    assert rules(*full, failed) == {Rule.FAILED_JOIN}
    repeated = Entered(6, "dan", "JOIN", CODE, "dan-id", "Dan again", at(4), False)
    assert Rule.FAILED_JOIN not in rules(*full, failed, repeated)


def test_a_failed_command_that_took_effect_is_found() -> None:
    failed = SayAnswered(3.6, "bob", CODE, "hello", "chat_locked")
    assert rules(*without(GOOD, TALK[1]), failed) == {Rule.FAILED_COMMAND}
    doubtful = replace(failed, reason="store_unavailable", in_doubt=True)
    assert rules(*without(GOOD, TALK[1]), doubtful) == {Rule.DOUBTFUL_COMMAND}
    assert rules(*without(GOOD, TALK[1])) == set()
    unheard = SayAnswered(5, "bob", CODE, "unheard", "rate_limited")
    assert rules(*GOOD, unheard) == set()
    in_a_room = RoomTold(6, "ann", CODE, at(3), 303, ("unheard",))
    assert rules(*GOOD, unheard, in_a_room) == {Rule.FAILED_COMMAND}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(CountAtRest(11, "store", CODE, 2, True, "Ann"), id="a document with a ghost"),
        pytest.param(CountAtRest(11, "instance", CODE, 1, False, "Ann"), id="a look-up that misses the host"),
        pytest.param(CountAtRest(11, "instance", "CCCCCC", 1, False, "x"), id="a guest in a party that nobody entered"),
        pytest.param(replace(view("ann", ANN), guest_count=2), id="a view that counts too many"),
        pytest.param(replace(view("ann", ANN), connected=frozenset({ANN})), id="a view that misses somebody"),
    ],
)
def test_a_wrong_count_at_rest_is_found(wrong: Entry) -> None:
    kept = [entry for entry in GOOD if not (isinstance(wrong, ViewAtRest) and entry == view("ann", ANN))]
    assert rules(*kept, wrong) == {Rule.COUNT}


def test_whoever_is_behind_differs_or_is_missing_at_rest_is_found() -> None:
    others = without(GOOD, view("bob", BOB))
    assert rules(*others, view("bob", BOB, version=2)) == {Rule.NOT_LEVEL}
    assert rules(*others, replace(view("bob", BOB), digest=999)) == {Rule.NOT_LEVEL}
    assert rules(*others) == {Rule.LOST_SEAT, Rule.COUNT}
    assert Rule.LOST_SEAT not in rules(*others, Leaving(9, "bob", CODE))
