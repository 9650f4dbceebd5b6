"""What each fault cost, from a finished history, as figures and as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults.checker import APART, Breach, Rule, absences, check, excused_losses, lifetimes
from tests.faults.history import (
    Entered,
    Entry,
    EventReceived,
    FailedOver,
    FaultEnded,
    FaultStarted,
    History,
    HttpCall,
    Leaving,
    MessageSent,
    Quiesced,
    RoomReceived,
    is_refusal,
)

NEVER = float("inf")
HEAD = (
    "fault",
    "times",
    "calls refused",
    "parties lost",
    "false 404s",
    "seconds until the first success",
    "seconds until every client was level again",
    "seats lost",
    "newest creates lost",
    "commands in doubt that were done",
    "told otherwise by the primary before",
    "other breaches",
)


@dataclass
class Report:
    """What one fault cost over all its injections. Seconds are the worst of them, `NEVER` if it did not come.

    `first_success_seconds`: until every instance had created a party and said yes to a join, counted from the end of
    the fault's cause, or from its start if it ends by itself; then it is the first success after the last refusal.
    `sync_seconds`: likewise until every phone knew of something that was said afterwards. `newest_lost`: creates that
    the store confirmed in its last second, which an unreplicated store may lose. `refused`: calls that were not
    granted, or got no answer, from the strike to the rest: whether the fault was felt. `doubtful`: commands that were
    executed though answered as failed, in doubt. `conflicting_events`: events from a primary that was replaced, which
    differ from those of its successor. `succession_seconds`: how long the store took to name another primary; part of
    the seconds above.
    `breaches` has everything else.
    """

    fault: str
    times: int = 0
    refused: int = 0
    parties_lost: int = 0
    false_404s: int = 0
    first_success_seconds: float = 0.0
    sync_seconds: float = 0.0
    seats_lost: int = 0
    newest_lost: int = 0
    doubtful: int = 0
    conflicting_events: int = 0
    succession_seconds: float = 0.0
    breaches: list[Breach] = field(default_factory=list)

    def count(self, rule: Rule) -> int:
        """Return how often the rule was broken."""
        return sum(breach.rule is rule for breach in self.breaches)

    def row(self) -> tuple[str, ...]:
        """Its cells, in the order of `HEAD`."""
        told = self.count(Rule.FALSE_404) + self.count(Rule.LOST_SEAT)
        return (
            self.fault,
            str(self.times),
            str(self.refused),
            str(self.parties_lost),
            str(self.false_404s),
            _seconds(self.first_success_seconds),
            _seconds(self.sync_seconds),
            str(self.seats_lost),
            str(self.newest_lost),
            str(self.doubtful),
            str(self.conflicting_events),
            str(len(self.breaches) - told),
        )


class Window(NamedTuple):
    """One injection of a fault, until the scenario has quiesced, and until the next injection."""

    fault: FaultStarted
    over_at: float
    rested_at: float
    ends_at: float


def reports(history: History) -> list[Report]:
    """One report for each fault, in the order of their first strikes; breaches before any belong to `no fault`."""
    found: dict[str, Report] = {}
    breaches = check(history)
    lost = excused_losses(history)
    for window in windows(history):
        report = found.setdefault(window.fault.fault, Report(window.fault.fault))
        report.times += 1
        mine = [breach for breach in breaches if window.fault.at <= breach.at < window.ends_at]
        report.doubtful += sum(breach.rule is Rule.COMMAND_IN_DOUBT for breach in mine)
        report.conflicting_events += sum(breach.rule is Rule.TWO_PRIMARIES for breach in mine)
        report.breaches += [breach for breach in mine if breach.rule not in APART]
        report.parties_lost += len(_lost_at_rest(history, window))
        report.newest_lost += len(_told_in(history, window) & lost)
        report.refused += sum(1 for _ in _refused_calls(history, window))
        marks = _marks(history, window)
        report.first_success_seconds = max(report.first_success_seconds, _first_success(history, window, marks))
        report.sync_seconds = max(report.sync_seconds, _level(history, window, marks))
        report.succession_seconds = max(report.succession_seconds, _succession(history, window, marks))
    for report in found.values():
        report.false_404s = report.count(Rule.FALSE_404)
        report.seats_lost = len({breach.who for breach in report.breaches if breach.rule is Rule.LOST_SEAT})
    first = min((window.fault.at for window in windows(history)), default=NEVER)
    if early := [breach for breach in breaches if breach.at < first and breach.rule not in APART]:
        found["no fault"] = Report("no fault", breaches=early)
    return list(found.values())


def windows(history: History) -> list[Window]:
    """Return every injection of a fault."""
    strikes = list(history.of(FaultStarted))
    ends = [fault.at for fault in strikes[1:]] + [NEVER]
    return [
        Window(
            fault,
            _first_at(history, FaultEnded, fault.at),
            _first_at(history, Quiesced, fault.at),
            end,
        )
        for fault, end in zip(strikes, ends, strict=True)
    ]


def table(rows: Sequence[Report]) -> str:
    """Return all of it in Markdown."""
    cells = [HEAD, tuple("---" for _ in HEAD), *(report.row() for report in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


class _Marks(NamedTuple):
    """From when seconds count, and from when on a success or a word counts."""

    from_at: float
    after: float


def _marks(history: History, window: Window) -> _Marks:
    if not window.fault.ends_itself:
        return _Marks(window.over_at, window.over_at)
    last = max(_refusals(history, window), default=window.fault.at)
    return _Marks(window.fault.at, last)


def _refusals(history: History, window: Window) -> Iterator[float]:
    """When calls and messages were refused, or got no answer, until the rest."""
    for entry in _within(history, window):
        ended_at = entry.ended_at if isinstance(entry, HttpCall) else entry.at
        if is_refusal(entry) and ended_at < window.rested_at:
            yield ended_at


def _refused_calls(history: History, window: Window) -> Iterator[HttpCall]:
    for entry in _within(history, window):
        if isinstance(entry, HttpCall) and entry.status != 200 and entry.ended_at < window.rested_at:
            yield entry


def _within(history: History, window: Window) -> Iterator[Entry]:
    return (entry for entry in history.entries if window.fault.at <= entry.at < window.rested_at)


def _first_success(history: History, window: Window, marks: _Marks) -> float:
    """Seconds until the last of all instances had a success of each kind."""
    firsts: dict[tuple[int, str], float] = {}
    for call in history.of(HttpCall):
        if call.verb in {"create", "join"}:
            key = (call.instance, call.verb)
            firsts.setdefault(key, NEVER)
            if call.status == 200 and marks.after <= call.at < window.rested_at:
                firsts[key] = min(firsts[key], call.ended_at - marks.from_at)
    return max(firsts.values(), default=NEVER)


def _succession(history: History, window: Window, marks: _Marks) -> float:
    """Seconds until another primary was named; 0 where none was."""
    named_at = _first_at(history, FailedOver, window.fault.at)
    return named_at - marks.from_at if named_at < window.ends_at else 0.0


def _level(history: History, window: Window, marks: _Marks) -> float:
    """Seconds until the last of all phones that stay knew of something that was said after the trouble."""
    leaving = {entry.client for entry in history.of(Leaving)}
    homes = {entry.client: entry.code for entry in history.of(Entered) if entry.at < window.fault.at}
    fresh = {entry.text for entry in history.of(MessageSent) if marks.after <= entry.at < window.ends_at}
    heard: dict[str, float] = {}
    for entry in history.entries:
        if isinstance(entry, (EventReceived, RoomReceived)) and marks.after <= entry.at < window.ends_at:
            texts = entry.texts if isinstance(entry, RoomReceived) else (entry.subject,)
            if not fresh.isdisjoint(texts):
                heard.setdefault(entry.client, entry.at - marks.from_at)
    return max((heard.get(client, NEVER) for client in homes if client not in leaving), default=NEVER)


def _lost_at_rest(history: History, window: Window) -> set[str]:
    """Return the parties that should have been there when all was quiet, and were said not to be."""
    known = lifetimes(history)
    return {
        code
        for began_at, at, _, code, _ in absences(history)
        if window.rested_at <= began_at < window.ends_at
        and (life := known.get(code))
        and not life.is_excused
        and at < life.ends_at
    }


def _told_in(history: History, window: Window) -> set[str]:
    return {code for _, at, _, code, _ in absences(history) if window.fault.at <= at < window.ends_at}


def _first_at(history: History, kind: type[Entry], after: float) -> float:
    return next((entry.at for entry in history.of(kind) if entry.at >= after), NEVER)


def _seconds(seconds: float) -> str:
    return "never" if seconds == NEVER else f"{seconds:.1f}"
