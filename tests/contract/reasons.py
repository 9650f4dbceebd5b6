"""Whether what the store answered is true: held against what it holds right after."""

from hubbub.core.errors import Reason
from hubbub.core.party import Lease
from hubbub.core.protocol import Act, Kick, Leave, Promote
from hubbub.core.results import Ended, Full, Kicked, Locked, Missing
from tests.contract.inside import KICKED, Inside


def assert_refused(inside: Inside | None, token: str, outcome: object) -> None:
    """The reason why a join was refused is true."""
    if inside is None:
        assert outcome in {Missing(), Ended()}
    elif token in inside.tokens:
        assert outcome == Kicked()
        assert inside.seats[inside.tokens[token]] == KICKED
    elif inside.document["locked"]:
        assert outcome == Locked()
    else:
        assert outcome == Full()
        assert inside.document["seats"] == inside.document["terms"][3]


def assert_declined(inside: Inside, lease: Lease, command: Act | Leave, reason: Reason) -> None:
    """The reason why a command was declined is true."""
    document = inside.document
    target = command.target_id if isinstance(command, Kick | Promote) else ""
    match reason:
        case Reason.NOT_HOST:
            assert document["hostId"] != lease.member_id
        case Reason.CHAT_LOCKED:
            assert (document["chatMode"], document["hostId"] == lease.member_id) == ("LOCKED", False)
        case Reason.EMOJI_ONLY:
            assert (document["chatMode"], document["hostId"] == lease.member_id) == ("EMOJI_ONLY", False)
        case Reason.NO_TRACK:
            assert "track" not in inside.state
        case Reason.NOT_CONNECTED:
            assert f"held:{target}" in inside.leases
        case Reason.INVALID_TARGET:
            assert target == document["hostId"] or inside.seats.get(target, KICKED) == KICKED
        case _:
            assert_standing(inside, lease, reason)


def assert_standing(inside: Inside, lease: Lease, reason: Reason | None) -> None:
    """The connection has its seat, or watches, and is counted; or the reason why not is true."""
    if not lease.member_id:
        assert (f"watch:{lease.holder}" in inside.leases) == (reason is None)
        return
    record = inside.seats.get(lease.member_id)
    if record is None:
        assert reason is Reason.TIMED_OUT
    elif record == KICKED:
        assert reason is Reason.KICKED
    elif record[1] != lease.holder:
        assert reason is Reason.TAKEN_OVER
    else:
        assert reason is None
        assert f"on:{lease.member_id}" in inside.leases
