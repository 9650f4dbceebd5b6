"""What each fault cost, from a finished history, as figures and as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults.checker import APART, Breach, Rule, absences, check, excused_losses, lives
from tests.faults.history import (
    Called,
    Entered,
    Entry,
    EventTold,
    FailedOver,
    History,
    Leaving,
    Over,
    Rested,
    RoomTold,
    Said,
    Struck,
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
    """What one fault cost, over all the times it struck; seconds are the worst of them, `NEVER` where it did not come.

    `first_success_seconds`: until every instance had created a party and said yes to a join, counted from the end of
    the fault's cause, or from its start where it heals by itself; then it is the first success after the last refusal.
    `level_seconds`: likewise until every phone knew of something that was said afterwards. `newest_lost`: creates that
    the store confirmed in its last second, which an unreplicated store may lose. `refused`: calls that were not
    granted, or got no answer, from the strike to the rest: whether the fault was felt. `doubtful`: commands that were
    done though answered as failed, and in doubt. `told_twice`: what a client heard otherwise from a primary whose place
    another took. `succession_seconds`: how long the store took to name another primary; part of the seconds above.
    `breaches` has everything else.
    """

    fault: str
    times: int = 0
    refused: int = 0
    parties_lost: int = 0
    false_404s: int = 0
    first_success_seconds: float = 0.0
    level_seconds: float = 0.0
    seats_lost: int = 0
    newest_lost: int = 0
    doubtful: int = 0
    told_twice: int = 0
    succession_seconds: float = 0.0
    breaches: list[Breach] = field(default_factory=list)

    def count(self, rule: Rule) -> int:
        """How often the rule was broken."""
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
            _seconds(self.level_seconds),
            str(self.seats_lost),
            str(self.newest_lost),
            str(self.doubtful),
            str(self.told_twice),
            str(len(self.breaches) - told),
        )


class Window(NamedTuple):
    """One time a fault struck, from then until the rest after it, and until the next one."""

    struck: Struck
    over_at: float
    rested_at: float
    ends_at: float


def reports(history: History) -> list[Report]:
    """One report for each fault, in the order of their first strikes; breaches before any belong to `no fault`."""
    found: dict[str, Report] = {}
    breaches = check(history)
    lost = excused_losses(history)
    for window in windows(history):
        report = found.setdefault(window.struck.fault, Report(window.struck.fault))
        report.times += 1
        mine = [breach for breach in breaches if window.struck.at <= breach.at < window.ends_at]
        report.doubtful += sum(breach.rule is Rule.DOUBTFUL_COMMAND for breach in mine)
        report.told_twice += sum(breach.rule is Rule.TWO_PRIMARIES for breach in mine)
        report.breaches += [breach for breach in mine if breach.rule not in APART]
        report.parties_lost += len(_lost_at_rest(history, window))
        report.newest_lost += len(_told_in(history, window) & lost)
        report.refused += sum(1 for _ in _refused_calls(history, window))
        marks = _marks(history, window)
        report.first_success_seconds = max(report.first_success_seconds, _first_success(history, window, marks))
        report.level_seconds = max(report.level_seconds, _level(history, window, marks))
        report.succession_seconds = max(report.succession_seconds, _succession(history, window, marks))
    for report in found.values():
        report.false_404s = report.count(Rule.FALSE_404)
        report.seats_lost = len({breach.who for breach in report.breaches if breach.rule is Rule.LOST_SEAT})
    first = min((window.struck.at for window in windows(history)), default=NEVER)
    if early := [breach for breach in breaches if breach.at < first and breach.rule not in APART]:
        found["no fault"] = Report("no fault", breaches=early)
    return list(found.values())


def windows(history: History) -> list[Window]:
    """Every time a fault struck."""
    strikes = list(history.of(Struck))
    ends = [struck.at for struck in strikes[1:]] + [NEVER]
    return [
        Window(struck, _first_at(history, Over, struck.at), _first_at(history, Rested, struck.at), end)
        for struck, end in zip(strikes, ends, strict=True)
    ]


def table(rows: Sequence[Report]) -> str:
    """All of it in Markdown."""
    cells = [HEAD, tuple("---" for _ in HEAD), *(report.row() for report in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


class _Marks(NamedTuple):
    """From when seconds count, and from when on a success or a word counts."""

    from_at: float
    after: float


def _marks(history: History, window: Window) -> _Marks:
    if not window.struck.heals_itself:
        return _Marks(window.over_at, window.over_at)
    last = max(_refusals(history, window), default=window.struck.at)
    return _Marks(window.struck.at, last)


def _refusals(history: History, window: Window) -> Iterator[float]:
    """When calls and messages were refused, or got no answer, until the rest."""
    for entry in _within(history, window):
        ended_at = entry.ended_at if isinstance(entry, Called) else entry.at
        if is_refusal(entry) and ended_at < window.rested_at:
            yield ended_at


def _refused_calls(history: History, window: Window) -> Iterator[Called]:
    for entry in _within(history, window):
        if isinstance(entry, Called) and entry.status != 200 and entry.ended_at < window.rested_at:
            yield entry


def _within(history: History, window: Window) -> Iterator[Entry]:
    return (entry for entry in history.entries if window.struck.at <= entry.at < window.rested_at)


def _first_success(history: History, window: Window, marks: _Marks) -> float:
    """Seconds until the last of all instances had a success of each kind."""
    firsts: dict[tuple[int, str], float] = {}
    for call in history.of(Called):
        if call.verb in {"create", "join"}:
            key = (call.instance, call.verb)
            firsts.setdefault(key, NEVER)
            if call.status == 200 and marks.after <= call.at < window.rested_at:
                firsts[key] = min(firsts[key], call.ended_at - marks.from_at)
    return max(firsts.values(), default=NEVER)


def _succession(history: History, window: Window, marks: _Marks) -> float:
    """Seconds until another primary was named; 0 where none was."""
    named_at = _first_at(history, FailedOver, window.struck.at)
    return named_at - marks.from_at if named_at < window.ends_at else 0.0


def _level(history: History, window: Window, marks: _Marks) -> float:
    """Seconds until the last of all phones that stay knew of something that was said after the trouble."""
    leaving = {entry.client for entry in history.of(Leaving)}
    homes = {entry.client: entry.code for entry in history.of(Entered) if entry.at < window.struck.at}
    fresh = {entry.text for entry in history.of(Said) if marks.after <= entry.at < window.ends_at}
    heard: dict[str, float] = {}
    for entry in history.entries:
        if isinstance(entry, (EventTold, RoomTold)) and marks.after <= entry.at < window.ends_at:
            texts = entry.texts if isinstance(entry, RoomTold) else (entry.subject,)
            if not fresh.isdisjoint(texts):
                heard.setdefault(entry.client, entry.at - marks.from_at)
    return max((heard.get(client, NEVER) for client in homes if client not in leaving), default=NEVER)


def _lost_at_rest(history: History, window: Window) -> set[str]:
    """The parties that should have been there when all was quiet, and were said not to be."""
    known = lives(history)
    return {
        code
        for began_at, at, _, code, _ in absences(history)
        if window.rested_at <= began_at < window.ends_at
        and (life := known.get(code))
        and not life.is_excused
        and at < life.ends_at
    }


def _told_in(history: History, window: Window) -> set[str]:
    return {code for _, at, _, code, _ in absences(history) if window.struck.at <= at < window.ends_at}


def _first_at(history: History, kind: type[Entry], after: float) -> float:
    return next((entry.at for entry in history.of(kind) if entry.at >= after), NEVER)


def _seconds(seconds: float) -> str:
    return "never" if seconds == NEVER else f"{seconds:.1f}"
