"""The figures of a report are those of its history."""

import pytest

from tests.faults.checker import Rule
from tests.faults.history import (
    Asked,
    Called,
    Entered,
    Entry,
    EventTold,
    History,
    Over,
    Position,
    Rested,
    RoomTold,
    Said,
    SayAnswered,
    Struck,
)
from tests.faults.report import NEVER, Report, reports, table

CODE = "BCDFGH"
HERE, THERE = 1, 2


def begins(client: str, version: int) -> list[Entry]:
    position = Position("e", version)
    return [
        Asked(1, client, HERE, "CREATE", CODE, client, None),
        Entered(1, client, "CREATE", CODE, f"{client}-id", client, position, False),
        RoomTold(1, client, CODE, position, version, ()),
    ]


def calls(instance: int, when: float, status: int = 200) -> list[Entry]:
    return [
        Called(when, when + 0.1, instance, "create", f"{instance}{when}", status, name=f"{instance} {when}"),
        Called(when, when + 0.1, instance, "join", CODE, status),
    ]


def said(when: float, version: int, *heard: tuple[str, float]) -> list[Entry]:
    text = f"message {version}"
    told = [
        EventTold(at, client, CODE, "MESSAGE", version, Position("e", version), version, text) for client, at in heard
    ]
    return [Said(when, "ann", CODE, text), *told]


EVENING = [
    *begins("ann", 1),
    *begins("bob", 1),
    *calls(HERE, 9),
    *calls(THERE, 9),
    *said(9, 2, ("ann", 9.1), ("bob", 9.1)),
    *calls(HERE, 11, 503),
    *calls(THERE, 11.5, 503),
    *calls(HERE, 20.5),
    *calls(THERE, 21),
    *said(20.2, 3, ("ann", 20.4), ("bob", 22.5)),
    Rested(30),
]


def report_of(struck: Struck, *more: Entry) -> Report:
    entries = [*EVENING, struck, Over(20), *more]
    found = reports(History(sorted(entries, key=lambda entry: entry.at)))
    return next(report for report in found if report.fault == struck.fault)


def test_seconds_count_from_the_end_of_a_fault_to_the_slowest_instance_and_phone() -> None:
    report = report_of(Struck(10, "frozen"))
    assert report.refused == 4
    assert report.first_success_seconds == pytest.approx(1.1)
    assert report.level_seconds == pytest.approx(2.5)


def test_seconds_of_a_fault_that_heals_itself_count_from_its_start_to_what_follows_the_last_refusal() -> None:
    report = report_of(Struck(10, "failover", heals_itself=True))
    assert report.first_success_seconds == pytest.approx(11.1)
    assert report.level_seconds == pytest.approx(12.5)


def test_that_a_newest_create_is_lost_does_not_put_off_when_a_fault_has_healed_itself() -> None:
    struck = Struck(10, "failover", heals_itself=True, forgets_newest=True)
    asked = Called(29, 29.1, HERE, "join", "LOST22", 404, "party_not_found")
    made = Called(9.8, 9.9, HERE, "create", "LOST22", 200, name="cleo")
    report = report_of(struck, made, asked)
    assert report.newest_lost == 1
    assert report.first_success_seconds == pytest.approx(11.1)
    assert report.level_seconds == pytest.approx(12.5)


def test_what_does_not_come_back_is_said_to_come_never() -> None:
    report = report_of(Struck(10, "frozen"), *begins("cleo", 2))
    assert report.level_seconds == NEVER
    assert "never" in table([report])


def test_parties_lost_are_those_that_are_not_there_at_rest() -> None:
    passing = Called(15, 15.1, HERE, "join", CODE, 404, "party_not_found")
    report = report_of(Struck(10, "flush"), passing)
    assert (report.parties_lost, report.false_404s) == (0, 1)
    report = report_of(Struck(10, "flush"), passing, Called(31, 31.1, THERE, "look-up", CODE, 200, found=False))
    assert (report.parties_lost, report.false_404s) == (1, 2)


def test_a_command_in_doubt_that_was_done_is_counted_apart() -> None:
    report = report_of(
        Struck(10, "cut"), SayAnswered(20.3, "ann", CODE, "message 3", "store_unavailable", in_doubt=True)
    )
    assert report.doubtful == 1
    assert report.count(Rule.DOUBTFUL_COMMAND) == 0


def test_strikes_of_one_fault_share_a_row_and_each_breach_belongs_to_the_strike_before_it() -> None:
    lost = Called(45, 45.1, HERE, "join", CODE, 404, "party_not_found")
    more = [Struck(40, "kill"), Over(41), lost, Struck(50, "flush"), Over(51)]
    entries = sorted([*EVENING, Struck(10, "flush"), Over(20), *more], key=lambda entry: entry.at)
    found = {report.fault: report for report in reports(History(entries))}
    assert {name: (report.times, report.false_404s) for name, report in found.items()} == {
        "flush": (2, 0),
        "kill": (1, 1),
    }
