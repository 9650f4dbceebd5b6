"""Check what is true of every stored party after every step."""

from hubbub.core.limits import LISTED_MAX, LOG_BYTES_MAX, LOG_EVENTS_MAX, SNAPSHOT_MESSAGES_MAX, WATCHERS_MAX
from hubbub.store import keys
from tests.contract.store_dump import KICKED, StoreDump

EXPIRY_TOLERANCE_MS = 50
"""Redis before 7.2 counts a relative expiry from the moment of each command, even within a script."""


def assert_invariants(
    code: str, dump: StoreDump, *, roster_max: int = LISTED_MAX + 1, log_max: int = LOG_EVENTS_MAX
) -> None:
    """Check a party. A test that lowers a limit passes the lower one."""
    _assert_expiries(code, dump)
    if not dump.state:
        assert dump.document["seats"] == 1
        assert dump.expiries.keys() <= {keys.party(code), _tries(code)}
        return
    _assert_party_ttl(dump)
    _assert_seats(dump, roster_max)
    _assert_leases(dump)
    _assert_log(dump, log_max)


def _assert_expiries(code: str, dump: StoreDump) -> None:
    """Check that the keys of a party expire together, and that none lives for ever."""
    party = {name: at for name, at in dump.expiries.items() if name != _tries(code)}
    assert keys.ended(code) not in dump.expiries
    assert min(dump.expiries.values()) > 0
    assert max(party.values()) - min(party.values()) <= EXPIRY_TOLERANCE_MS


def _assert_party_ttl(dump: StoreDump) -> None:
    """Check that the party lives at most its TTL, and without connections at most the host's grace."""
    left = min(dump.expiries.values()) - int(dump.state["touchedAt"]) - EXPIRY_TOLERANCE_MS
    assert left <= dump.document["terms"][0] * 1000
    grace = dump.leases.get(f"held:{dump.document['hostId']}")
    if grace is not None and all(entry.startswith("held:") for entry in dump.leases):
        assert left <= grace - dump.clock


def _tries(code: str) -> str:
    return keys.party_keys(code)[2]


def _assert_seats(dump: StoreDump, roster_max: int) -> None:
    """Check that seats, tokens, their number, the roster and the host agree."""
    seats = dump.taken_seats
    capacity = dump.document["terms"][3]
    assert dump.document["hostId"] in seats
    assert dump.document["hostName"] == seats[dump.document["hostId"]].name
    assert dump.document["seats"] == len(seats) <= capacity
    # A token owns one seat, and a kicked one stays known.
    assert sorted(dump.tokens.values()) == sorted(dump.seats)
    assert {record.token: seat for seat, record in seats.items()}.items() <= dump.tokens.items()
    assert len(set(dump.roster)) == len(dump.roster) <= roster_max
    assert set(dump.roster) == {seat for seat, record in seats.items() if record.listed}
    assert dump.document["hostId"] in dump.roster


def _assert_leases(dump: StoreDump) -> None:
    """Check that every seat is either connected or held, except that of a host who never joined.

    The counts must be those of the leases, and no lease may have expired.
    """
    entries = [entry.partition(":")[::2] for entry in dump.leases]
    connected = {seat for kind, seat in entries if kind == "on"}
    held = {seat for kind, seat in entries if kind == "held"}
    seats = {seat for seat, record in dump.seats.items() if record != KICKED}
    host = {dump.document["hostId"]}
    assert connected.isdisjoint(held)
    assert connected | held <= seats
    never_had = seats - connected - held
    assert never_had <= host
    assert all(
        record.holder == "" for seat, record in dump.seats.items() if seat in never_had and not isinstance(record, str)
    )
    assert dump.document["hostConnected"] == bool(connected & host)
    assert dump.document["guestCount"] == len(connected - host)
    assert int(dump.state["watchers"]) == len(entries) - len(connected) - len(held) <= WATCHERS_MAX
    assert all(score > dump.clock for score in dump.leases.values())


def _assert_log(dump: StoreDump, log_max: int) -> None:
    """Check that the event log ends at the version, has no gap, and keeps its limits."""
    numbers = [event["version"] for event in dump.log]
    assert numbers == list(range(dump.version - len(numbers) + 1, dump.version + 1))
    assert int(dump.state["logBytes"]) == dump.log_bytes <= LOG_BYTES_MAX
    assert len(dump.log) <= log_max
    assert len(dump.messages) <= SNAPSHOT_MESSAGES_MAX
