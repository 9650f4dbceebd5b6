"""Check each refusal against what the store holds right after it."""

from hubbub.core.errors import Reason
from hubbub.core.protocol import Kick, Leave, MemberCommand, Promote
from hubbub.core.results import Ended, Full, Kicked, Locked, Missing
from hubbub.core.seats import Lease
from tests.contract.store_dump import KICKED, StoreDump


def assert_join_refusal(dump: StoreDump | None, token: str, outcome: object) -> None:
    """Check why a join was refused."""
    if dump is None:
        assert outcome in {Missing(), Ended()}
    elif token in dump.tokens:
        assert outcome == Kicked()
        assert dump.seats[dump.tokens[token]] == KICKED
    elif dump.document["locked"]:
        assert outcome == Locked()
    else:
        assert outcome == Full()
        assert dump.document["seats"] == dump.document["terms"][3]


def assert_command_refusal(dump: StoreDump, lease: Lease, command: MemberCommand | Leave, reason: Reason) -> None:
    """Check why a command was refused."""
    document = dump.document
    target = command.target_id if isinstance(command, Kick | Promote) else ""
    match reason:
        case Reason.NOT_HOST:
            assert document["hostId"] != lease.member_id
        case Reason.CHAT_LOCKED:
            assert (document["chatMode"], document["hostId"] == lease.member_id) == ("LOCKED", False)
        case Reason.EMOJI_ONLY:
            assert (document["chatMode"], document["hostId"] == lease.member_id) == ("EMOJI_ONLY", False)
        case Reason.NO_TRACK:
            assert "track" not in dump.state
        case Reason.NOT_CONNECTED:
            assert f"held:{target}" in dump.leases
        case Reason.INVALID_TARGET:
            assert target == document["hostId"] or dump.seats.get(target, KICKED) == KICKED
        case _:
            assert_can_act(dump, lease, reason)


def assert_can_act(dump: StoreDump, lease: Lease, reason: Reason | None) -> None:
    """Check that the connection has its seat or watches, or that the reason why not is right."""
    if not lease.member_id:
        assert (f"watch:{lease.holder}" in dump.leases) == (reason is None)
        return
    record = dump.seats.get(lease.member_id)
    if record is None:
        assert reason is Reason.TIMED_OUT
    elif record == KICKED:
        assert reason is Reason.KICKED
    elif isinstance(record, str) or record.holder != lease.holder:
        assert reason is Reason.TAKEN_OVER
    else:
        assert reason is None
        assert f"on:{lease.member_id}" in dump.leases
