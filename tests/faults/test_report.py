"""The figures of a report are those of its history."""

import pytest

from tests.faults.checker import Rule
from tests.faults.history import (
    Entered,
    EnterRequested,
    Entry,
    EventReceived,
    FaultEnded,
    FaultStarted,
    History,
    HttpCall,
    MessageAnswered,
    MessageSent,
    Position,
    Quiesced,
    RoomReceived,
)
from tests.faults.report import NEVER, Report, reports, table

CODE = "BCDFGH"
HERE, THERE = 1, 2


def begins(client: str, version: int) -> list[Entry]:
    position = Position("e", version)
    return [
        EnterRequested(1, client, HERE, "CREATE", CODE, client, None),
        Entered(1, client, "CREATE", CODE, f"{client}-id", client, position, False),
        RoomReceived(1, client, CODE, position, version, ()),
    ]


def calls(instance: int, when: float, status: int = 200) -> list[Entry]:
    return [
        HttpCall(when, when + 0.1, instance, "create", f"{instance}{when}", status, name=f"{instance} {when}"),
        HttpCall(when, when + 0.1, instance, "join", CODE, status),
    ]


def said(when: float, version: int, *heard: tuple[str, float]) -> list[Entry]:
    text = f"message {version}"
    told = [
        EventReceived(at, client, CODE, "MESSAGE", version, Position("e", version), version, text)
        for client, at in heard
    ]
    return [MessageSent(when, "ann", CODE, text), *told]


SCENARIO = [
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
    Quiesced(30),
]


def report_of(fault: FaultStarted, *more: Entry) -> Report:
    entries = [*SCENARIO, fault, FaultEnded(20), *more]
    found = reports(History(sorted(entries, key=lambda entry: entry.at)))
    return next(report for report in found if report.fault == fault.fault)


def test_seconds_run_from_fault_end_to_slowest_client() -> None:
    report = report_of(FaultStarted(10, "frozen"))
    assert report.refused == 4
    assert report.first_success_seconds == pytest.approx(1.1)
    assert report.sync_seconds == pytest.approx(2.5)


def test_self_healing_fault_is_timed_from_its_start() -> None:
    report = report_of(FaultStarted(10, "failover", ends_itself=True))
    assert report.first_success_seconds == pytest.approx(11.1)
    assert report.sync_seconds == pytest.approx(12.5)


def test_lost_newest_create_does_not_delay_recovery_time() -> None:
    fault = FaultStarted(10, "failover", ends_itself=True, forgets_newest=True)
    asked = HttpCall(29, 29.1, HERE, "join", "LOST22", 404, "party_not_found")
    made = HttpCall(9.8, 9.9, HERE, "create", "LOST22", 200, name="cleo")
    report = report_of(fault, made, asked)
    assert report.newest_lost == 1
    assert report.first_success_seconds == pytest.approx(11.1)
    assert report.sync_seconds == pytest.approx(12.5)


def test_absent_recovery_is_reported_as_never() -> None:
    report = report_of(FaultStarted(10, "frozen"), *begins("cleo", 2))
    assert report.sync_seconds == NEVER
    assert "never" in table([report])


def test_lost_parties_are_those_absent_at_rest() -> None:
    passing = HttpCall(15, 15.1, HERE, "join", CODE, 404, "party_not_found")
    report = report_of(FaultStarted(10, "flush"), passing)
    assert (report.parties_lost, report.false_404s) == (0, 1)
    report = report_of(FaultStarted(10, "flush"), passing, HttpCall(31, 31.1, THERE, "look-up", CODE, 200, found=False))
    assert (report.parties_lost, report.false_404s) == (1, 2)


def test_in_doubt_command_with_effect_is_counted_apart() -> None:
    report = report_of(
        FaultStarted(10, "cut"), MessageAnswered(20.3, "ann", CODE, "message 3", "store_unavailable", in_doubt=True)
    )
    assert report.doubtful == 1
    assert report.count(Rule.COMMAND_IN_DOUBT) == 0


def test_faults_of_one_kind_share_a_row() -> None:
    lost = HttpCall(45, 45.1, HERE, "join", CODE, 404, "party_not_found")
    more = [FaultStarted(40, "kill"), FaultEnded(41), lost, FaultStarted(50, "flush"), FaultEnded(51)]
    entries = sorted([*SCENARIO, FaultStarted(10, "flush"), FaultEnded(20), *more], key=lambda entry: entry.at)
    found = {report.fault: report for report in reports(History(entries))}
    assert {name: (report.times, report.false_404s) for name, report in found.items()} == {
        "flush": (2, 0),
        "kill": (1, 1),
    }
