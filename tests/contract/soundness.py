"""What is true of every live party after every step, whoever did what: checked on what the store holds."""

from hubbub.core.limits import LISTED_MAX, LOG_BYTES_MAX, LOG_EVENTS_MAX, SNAPSHOT_MESSAGES_MAX, WATCHERS_MAX
from hubbub.store import keys
from tests.contract.inside import KICKED, Inside

TOGETHER_MS = 50
"""Redis before 7.2 counts a relative expiry from the moment of each command, even within a script."""


def assert_sound(code: str, inside: Inside, *, roster_max: int = LISTED_MAX + 1, log_max: int = LOG_EVENTS_MAX) -> None:
    """Check a party; the bounds are given where a test has made them smaller."""
    _assert_lives(code, inside)
    if not inside.state:
        assert inside.document["seats"] == 1
        assert inside.expiries.keys() <= {keys.party(code), _tries(code)}
        return
    _assert_life(inside)
    _assert_seats(inside, roster_max)
    _assert_leases(inside)
    _assert_log(inside, log_max)


def _assert_lives(code: str, inside: Inside) -> None:
    """The keys of a party expire together, none of them never, and never later than the terms say."""
    party = {name: at for name, at in inside.expiries.items() if name != _tries(code)}
    assert keys.ended(code) not in inside.expiries
    assert min(inside.expiries.values()) > 0
    assert max(party.values()) - min(party.values()) <= TOGETHER_MS


def _assert_life(inside: Inside) -> None:
    """The party lives no longer than its terms say, nor, where nobody is connected, than its host is waited for."""
    left = min(inside.expiries.values()) - int(inside.state["touchedAt"]) - TOGETHER_MS
    assert left <= inside.document["terms"][0] * 1000
    grace = inside.leases.get(f"held:{inside.document['hostId']}")
    if grace is not None and all(entry.startswith("held:") for entry in inside.leases):
        assert left <= grace - inside.clock


def _tries(code: str) -> str:
    return keys.party_keys(code)[2]


def _assert_seats(inside: Inside, roster_max: int) -> None:
    """Seats, their tokens, their number, the roster and the host agree."""
    seats = {seat: record for seat, record in inside.seats.items() if record != KICKED}
    capacity = inside.document["terms"][3]
    assert inside.document["hostId"] in seats
    assert inside.document["hostName"] == seats[inside.document["hostId"]][0]
    assert inside.document["seats"] == len(seats) <= capacity
    # A token owns one seat, and a kicked one stays known.
    assert sorted(inside.tokens.values()) == sorted(inside.seats)
    assert {record[4]: seat for seat, record in seats.items()}.items() <= inside.tokens.items()
    assert len(set(inside.roster)) == len(inside.roster) <= roster_max
    assert set(inside.roster) == {seat for seat, record in seats.items() if record[3]}
    assert inside.document["hostId"] in inside.roster


def _assert_leases(inside: Inside) -> None:
    """Every seat is connected or held, once, but that of a host who has never come.

    Counts are those of the leases; nothing that ran out is left.
    """
    entries = [entry.partition(":")[::2] for entry in inside.leases]
    connected = {seat for kind, seat in entries if kind == "on"}
    held = {seat for kind, seat in entries if kind == "held"}
    seats = {seat for seat, record in inside.seats.items() if record != KICKED}
    host = {inside.document["hostId"]}
    assert connected.isdisjoint(held)
    assert connected | held <= seats
    never_had = seats - connected - held
    assert never_had <= host
    assert all(inside.seats[seat][1] == "" for seat in never_had)
    assert inside.document["hostConnected"] == bool(connected & host)
    assert inside.document["guestCount"] == len(connected - host)
    assert int(inside.state["watchers"]) == len(entries) - len(connected) - len(held) <= WATCHERS_MAX
    assert all(score > inside.clock for score in inside.leases.values())


def _assert_log(inside: Inside, log_max: int) -> None:
    """The log ends at the version, has no hole, and keeps its bounds, as far as they let it."""
    numbers = [event["version"] for event in inside.log]
    assert numbers == list(range(inside.version - len(numbers) + 1, inside.version + 1))
    assert int(inside.state["logBytes"]) == inside.log_bytes <= LOG_BYTES_MAX
    assert len(inside.log) <= log_max
    assert len(inside.messages) <= SNAPSHOT_MESSAGES_MAX
