"""Judges a finished history: what no client may ever have seen. Pure functions; each rule yields its breaches."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple, TypeGuard

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
    Position,
    Quiesced,
    Refused,
    RoomReceived,
    ViewAtRest,
)

ABSENT = frozenset({"party_not_found", "party_ended"})
STORE = "store"
"""The source of a count in the store's own document."""
PARTY_ENDED = 4503
TIMED_OUT = 4409
NEWEST_SECONDS = 1.0
"""What an unreplicated store confirmed so shortly before its end may be lost with it."""
REMEMBERED_SECONDS = 60.0
"""How long an instance remembers a party that it created and no client has entered."""


class Rule(Enum):
    """What a breach breaks."""

    HOLE = "a version was skipped, told twice or told out of nothing"
    CONTRADICTION = "what was told does not follow from what had been told"
    CONFLICTING_VERSIONS = "two clients were told different things under one number"
    TWO_PRIMARIES = "two clients were told different things by two primaries, one of which took the other's place"
    FALSE_404 = "a party that was confirmed and had not ended was said not to be there"
    LOST_SEAT = "a client that was in, or coming back, lost its seat"
    RESURRECTED = "a party that had ended was there again"
    FAILED_CREATE = "a create that was answered as failed left a party"
    FAILED_JOIN = "a join that was answered as failed left a seat"
    FAILED_COMMAND = "a command that was answered as failed took effect"
    COMMAND_IN_DOUBT = "a command that was answered as failed, and in doubt, took effect"
    COUNT = "a count was not right at rest"
    NOT_SYNCED = "clients of one party did not know the same at rest"


APART = frozenset({Rule.COMMAND_IN_DOUBT, Rule.TWO_PRIMARIES})
"""Breaches that are counted apart: the answer, or the documentation of replication, announces them."""


class Breach(NamedTuple):
    """A rule that was broken, when, in which party or by whom, and how."""

    rule: Rule
    at: float
    who: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.rule.name} at {self.at:.3f}, {self.who}: {self.sentence}"


class Lifetime(NamedTuple):
    """From when a party was confirmed until its end was asked for, and whether its loss in between is excused."""

    confirmed_at: float
    ends_at: float
    is_excused: bool


def check(history: History) -> list[Breach]:
    """Return every breach of every rule, in the order of time."""
    rules: tuple[Callable[[History], Iterator[Breach]], ...] = (
        holes,
        contradictions,
        conflicting_versions,
        false_404s,
        resurrected_parties,
        lost_seats,
        failed_creates,
        failed_joins,
        failed_commands,
        counts_at_rest,
        views_at_rest,
    )
    return sorted((breach for rule in rules for breach in rule(history)), key=lambda breach: breach.at)


def holes(history: History) -> Iterator[Breach]:
    """Within an epoch each client saw version after version, or was given a new `ROOM`.

    After a return with `since` the events must go on right after it, unless a `ROOM` comes.
    """
    places: dict[str, Position | None] = {}
    for entry in history.entries:
        match entry:
            case EnterRequested(client=client, since=since):
                places[client] = since
            case Entered(client=client, position=position):
                place = places.get(client)
                if place is not None and place.epoch != position.epoch:
                    places[client] = None
            case RoomReceived(client=client, position=position):
                place = places.get(client)
                if place is not None and place.epoch == position.epoch and position.version < place.version:
                    yield Breach(Rule.HOLE, entry.at, client, f"ROOM went back from {place} to {position}")
                places[client] = position
            case EventReceived(client=client, position=position, first=first):
                place = places.get(client)
                if place is None or place.epoch != position.epoch or place.version + 1 != first:
                    yield Breach(Rule.HOLE, entry.at, client, f"after {place} came {entry.kind} {first}..{position}")
                places[client] = position


def contradictions(history: History) -> Iterator[Breach]:
    """Every event could be applied to what the client knew."""
    for entry in history.of(Contradicted):
        yield Breach(Rule.CONTRADICTION, entry.at, entry.client, entry.sentence)


def conflicting_versions(history: History) -> Iterator[Breach]:
    """The same epoch and version of a party mean the same event, and the same party, for every client.

    Counts of unlisted seats are left out: how many versions one of them stands for is up to each instance. What a
    primary emitted while another took its place is lost with it, and everyone gets a `ROOM`.
    """
    newest_windows = _newest_windows(history)
    told: dict[tuple[type[Entry], str, Position], tuple[int, str, float]] = {}
    for entry in history.entries:
        if not isinstance(entry, (EventReceived, RoomReceived)):
            continue
        if isinstance(entry, EventReceived) and entry.kind == "GUEST_COUNT":
            continue
        key = (type(entry), entry.code, entry.position)
        first, client, first_at = told.setdefault(key, (entry.digest, entry.client, entry.at))
        if first != entry.digest:
            sentence = f"{entry.position} of {entry.code} was something else for {client}"
            is_newest = any(w.since <= first_at <= w.until and entry.at <= w.rested_at for w in newest_windows)
            yield Breach(
                Rule.TWO_PRIMARIES if is_newest else Rule.CONFLICTING_VERSIONS, entry.at, entry.client, sentence
            )


def false_404s(history: History) -> Iterator[Breach]:
    """Find answers that a party is absent, between its confirmation and its end, unless its loss is excused."""
    known = lifetimes(history)
    for began_at, at, who, code, sentence in absences(history):
        life = known.get(code)
        if life and not life.is_excused and life.confirmed_at <= began_at and at < life.ends_at:
            yield Breach(Rule.FALSE_404, at, who, f"{code}: {sentence}")


def excused_losses(history: History) -> set[str]:
    """Return the parties that were said not to be there, and whose loss is excused."""
    known = lifetimes(history)
    return {code for _, at, _, code, _ in absences(history) if (life := known.get(code)) and life.is_excused}


def lifetimes(history: History) -> dict[str, Lifetime]:
    """Return every party that was confirmed.

    Its loss is excused where the store went within a second of the answer without a replica, and where a store that
    forgot more was the only one to know it: nobody had ever entered, and its creator remembers only so long, and not
    beyond its own end.
    """
    endings = {entry.code: entry.at for entry in history.of(Ending)}
    entered = {entry.code: entry.at for entry in reversed(list(history.of(Entered)))}
    faults = list(history.of(FaultStarted))
    overs = [entry.at for entry in history.of(FaultEnded)]
    ended = [(f.at, next((at for at in overs if at >= f.at), float("inf"))) for f in faults if f.ends_instances]
    newest_windows = _newest_windows(history)
    found: dict[str, Lifetime] = {}
    for code, confirmed_at in confirmations(history):
        newest = any(w.since <= confirmed_at <= w.until for w in newest_windows)
        alone = any(
            f.forgets
            and entered.get(code, f.at) >= f.at
            and (
                f.at - confirmed_at > REMEMBERED_SECONDS or any(confirmed_at <= end and at <= f.at for at, end in ended)
            )
            for f in faults
        )
        found.setdefault(code, Lifetime(confirmed_at, endings.get(code, float("inf")), newest or alone))
    return found


class _NewestWindow(NamedTuple):
    """From when to when what was confirmed may be lost with the primary that confirmed it, and when all was quiet."""

    since: float
    until: float
    rested_at: float


def _newest_windows(history: History) -> list[_NewestWindow]:
    strikes = list(history.of(FaultStarted))
    ends = [*(fault.at for fault in strikes), float("inf")][1:]
    return [
        _NewestWindow(
            fault.at - NEWEST_SECONDS,
            next((s.at + NEWEST_SECONDS for s in history.of(FailedOver) if fault.at <= s.at < end), fault.at),
            next((rest.at for rest in history.of(Quiesced) if rest.at >= fault.at), end),
        )
        for fault, end in zip(strikes, ends, strict=True)
        if fault.forgets_newest
    ]


def confirmations(history: History) -> Iterator[tuple[str, float]]:
    """The codes that were given out, and when."""
    for entry in history.entries:
        match entry:
            case HttpCall(verb="create", status=200, code=code, ended_at=ended_at):
                yield code, ended_at
            case Entered(kind="CREATE", code=code, at=at):
                yield code, at


def absences(history: History) -> Iterator[tuple[float, float, str, str, str]]:
    """Every word that a party is not there: when it was asked for, when it came, who heard it, of which, and how."""
    asked_at: dict[str, float] = {}
    for entry in history.entries:
        match entry:
            case HttpCall(verb="join" | "look-up", code=code, status=status, reason=reason):
                if status == 404 or not entry.found:
                    how = f"{entry.verb} was answered {status} {reason}"
                    yield entry.at, entry.ended_at, f"instance {entry.instance}", code, how
            case EnterRequested(client=client, at=at):
                asked_at[client] = at
            case Refused(client=client, code=code, reason=reason) if reason in ABSENT:
                yield asked_at.get(client, entry.at), entry.at, client, code, f"{entry.kind} was refused: {reason}"
            case Closed(client=client, code=code, close_code=close_code) if close_code == PARTY_ENDED:
                yield asked_at.get(client, entry.at), entry.at, client, code, f"closed with {close_code}"


def resurrected_parties(history: History) -> Iterator[Breach]:
    """Find answers that a party exists or can be joined after its host received its end.

    An end that an unreplicated store confirmed in its last second may be lost with it.
    """
    crashes = [entry.at for entry in history.of(FaultStarted) if entry.forgets_newest]
    ended = {
        entry.code: entry.at
        for entry in history.of(Ended)
        if not any(crash - NEWEST_SECONDS <= entry.at <= crash for crash in crashes)
    }
    for entry in history.of(HttpCall):
        is_there = entry.verb in {"join", "look-up"} and entry.status == 200 and entry.found
        if is_there and entry.at > ended.get(entry.code, float("inf")):
            sentence = f"{entry.code}: {entry.verb} was answered {entry.status}"
            yield Breach(Rule.RESURRECTED, entry.ended_at, f"instance {entry.instance}", sentence)


def lost_seats(history: History) -> Iterator[Breach]:
    """Find clients that lost their seat although they returned with their token; at most one breach a client."""
    known = lifetimes(history)
    seats: dict[str, Entered] = {}
    owners: dict[tuple[str, str], str] = {}
    settled: set[str] = set()
    for entry in history.entries:
        match entry:
            case Entered(client=client, member_id=member_id):
                had = seats.setdefault(client, entry)
                owners.setdefault((entry.code, member_id), client)
                is_lost = had is not entry and (not entry.resumed or had.member_id != member_id)
                why = f"was {had.member_id} and came back as {member_id}"
            case Closed(client=client, close_code=close_code):
                is_lost, why = close_code == TIMED_OUT, f"was closed with {close_code}"
            case EventReceived(kind="MEMBER_LEFT", subject=member_id, code=code):
                client = owners.get((code, member_id), "")
                is_lost, why = bool(client), f"was told to have left, to {entry.client}"
            case Leaving(client=client):
                is_lost, why = False, ""
                settled.add(client)
            case _:
                continue
        if is_lost and client not in settled and _must_exist_at(known, entry.code, entry.at):
            settled.add(client)
            yield Breach(Rule.LOST_SEAT, entry.at, client, why)


def _must_exist_at(known: dict[str, Lifetime], code: str, at: float) -> bool:
    """Return whether that party had to be there then."""
    life = known.get(code)
    return life is not None and not life.is_excused and life.confirmed_at <= at < life.ends_at


def failed_creates(history: History) -> Iterator[Breach]:
    """A create that was answered as failed has left no party at rest, unless a repeat returned it."""
    failed = {entry.name for entry in history.of(Refused) if entry.kind == "CREATE"}
    failed |= {c.name for c in history.of(HttpCall) if c.verb == "create" and c.status not in {200, NO_ANSWER}}
    confirmed = {code for code, _ in confirmations(history)}
    for entry in history.of(CountAtRest):
        if entry.host_name in failed and entry.code not in confirmed:
            yield Breach(Rule.FAILED_CREATE, entry.at, entry.source, f"{entry.code} of {entry.host_name} is there")


def failed_joins(history: History) -> Iterator[Breach]:
    """A join that was answered as failed has left no seat at rest, unless a repeat returned it."""
    failed = {entry.name for entry in history.of(Refused) if entry.kind == "JOIN" and entry.name}
    granted = {entry.member_id for entry in history.of(Entered)}
    told: set[str] = set()
    for entry in history.of(ViewAtRest):
        for member_id, name in sorted(entry.seats):
            if name in failed and member_id not in granted and member_id not in told:
                told.add(member_id)
                yield Breach(Rule.FAILED_JOIN, entry.at, entry.client, f"{name} has a seat in {entry.code}")


def failed_commands(history: History) -> Iterator[Breach]:
    """Find messages that were received though answered as failed, unless in doubt; one breach a message."""
    failed = {entry.text: entry for entry in history.of(MessageAnswered) if entry.reason}
    for entry in history.entries:
        texts = entry.texts if isinstance(entry, RoomReceived) else (entry.subject,) if _is_message(entry) else ()
        for text in texts:
            if answer := failed.pop(text, None):
                sentence = f"{text!r} had been answered {answer.reason} and was heard in {answer.code}"
                rule = Rule.COMMAND_IN_DOUBT if answer.in_doubt else Rule.FAILED_COMMAND
                yield Breach(rule, entry.at, answer.client, sentence)


def _is_message(entry: Entry) -> TypeGuard[EventReceived]:
    return isinstance(entry, EventReceived) and entry.kind == "MESSAGE"


def counts_at_rest(history: History) -> Iterator[Breach]:
    """At rest every count is that of the phones that are connected, by views, look-ups and the store's documents."""
    for views, counts in _rests(history):
        guests = Counter(view.code for view in views if not view.is_host)
        present: dict[str, frozenset[str]] = defaultdict(frozenset)
        for view in views:
            present[view.code] |= {view.member_id}
        hosted = {view.code for view in views if view.is_host}
        for view in views:
            if (view.guest_count, view.connected) != (guests[view.code], present[view.code]):
                sentence = f"knows {view.guest_count} guests, {sorted(view.connected)} connected in {view.code}"
                yield Breach(Rule.COUNT, view.at, view.client, f"{sentence}; there are {sorted(present[view.code])}")
        for count in counts:
            if count.source == STORE and count.code not in present:
                continue  # the document may be stale until the next command, and look-ups are exact
            truth = (guests[count.code], count.code in hosted)
            if (count.guest_count, count.host_connected) != truth:
                sentence = f"{count.code} has {count.guest_count} guests, host {count.host_connected}; truly {truth}"
                yield Breach(Rule.COUNT, count.at, count.source, sentence)


def views_at_rest(history: History) -> Iterator[Breach]:
    """Find clients that, once quiesced, are outside, at another position, or have another view of their party."""
    known = lifetimes(history)
    leaving = {entry.client: entry.at for entry in history.of(Leaving)}
    homes = {entry.client: entry for entry in history.of(Entered)}
    for rest, (views, _) in zip(history.of(Quiesced), _rests(history), strict=True):
        firsts: dict[str, ViewAtRest] = {}
        for view in views:
            first = firsts.setdefault(view.code, view)
            if (view.position, view.digest) != (first.position, first.digest):
                sentence = f"stands at {view.position} of {view.code}, {first.client} at {first.position}"
                yield Breach(Rule.NOT_SYNCED, view.at, view.client, sentence)
        inside = {view.client for view in views}
        for client, home in homes.items():
            stays = leaving.get(client, float("inf")) > rest.at and home.at < rest.at
            if stays and client not in inside and _must_exist_at(known, home.code, rest.at):
                yield Breach(Rule.LOST_SEAT, rest.at, client, f"is not in {home.code} at rest")


def _rests(history: History) -> Iterator[tuple[list[ViewAtRest], list[CountAtRest]]]:
    """What was seen at each rest."""
    rests: list[tuple[list[ViewAtRest], list[CountAtRest]]] = []
    for entry in history.entries:
        match entry:
            case Quiesced():
                rests.append(([], []))
            case ViewAtRest():
                rests[-1][0].append(entry)
            case CountAtRest():
                rests[-1][1].append(entry)
    return iter(rests)
