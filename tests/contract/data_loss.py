"""Make a store lose data, and hold what an instance restores it from."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from hubbub.core.backup import PartyBackup, RestoreRequest, merge_room_state
from hubbub.core.party import ChatMode
from hubbub.core.protocol import (
    MemberCommand,
    Play,
    QueueTrack,
    Rename,
    SelectTrack,
    SendMessage,
    SetChatMode,
    SetLock,
    Snapshot,
)
from hubbub.core.replica import Replica
from hubbub.core.results import FullState, Renewed, Restored, RestoreOutcome
from hubbub.core.seats import Lease
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import attempt, soon
from tests.contract.store_dump import CODE, StoreDump, Subscriber
from tests.support.stores import StoreServer

HOST_COMMANDS: list[MemberCommand] = [
    SendMessage(text='Ann said: "Grüße 🎉", then \\ and a new\nline'),
    Rename(name='Ann "A" 🎈'),
    SetChatMode(mode=ChatMode.EMOJI_ONLY),
    SelectTrack(filename='a "b".mp3'),
    QueueTrack(filename="ü.mp3"),
    Play(position=12.5),
    SetLock(locked=True),
]
"""Commands that change every restored field."""


class StoreSnapshot:
    """Copy all data of a store, to load it later as a restart from a snapshot does."""

    def __init__(self, server: StoreServer) -> None:
        self._admin: Any = server.admin
        names = map(str, self._admin.keys("*"))
        self._keys = {name: (self._admin.dump(name), max(0, self._admin.pexpiretime(name))) for name in names}

    def load(self) -> None:
        """Replace the store's data by the copy."""
        self._admin.flushall()
        for name, (dumped, expires_at) in self._keys.items():
            self._admin.restore(name, expires_at, dumped, absttl=True)


class Restorer:
    """Hold what one instance has of a party: its replica, its backup and its own connections."""

    def __init__(self, store: RedisStore, *own: Lease, code: str = CODE) -> None:
        self.store = store
        self.own = list(own)
        self.code = code
        self.room = Replica()
        self.copy: PartyBackup | None = None

    async def look(self) -> None:
        """Load the replica from the store, and renew the leases, which returns a backup."""
        self.room.start_sync()
        whole = await self.store.catch_up(self.code, None, soon())
        assert isinstance(whole, FullState)
        assert self.room.apply_sync(whole)
        renewed = await self.store.renew(self.code, self.own, soon(), self.room.position)
        assert isinstance(renewed, Renewed)
        assert (renewed.epoch, renewed.version) == (self.room.epoch, self.room.version)
        self.copy = renewed.copy

    @property
    def seen(self) -> Snapshot:
        """Return the snapshot without `expires_at`, which differs by a millisecond on Redis 7.0."""
        assert self.room.party is not None
        return msgspec.structs.replace(self.room.party, expires_at=0)

    def hear(self, subscriber: Subscriber) -> None:
        """Apply the events that were published since the last call."""
        for published in subscriber.take_all()[0]:
            assert self.room.receive(published)

    def restore_request(self, *, epoch: str = "", expires_at: int | None = None) -> RestoreRequest:
        """Build the request by which the instance restores the party."""
        party = self.room.party
        assert party is not None
        names = {member.id: member.name for member in party.members}
        copy = self.copy
        if copy is not None:
            copy = merge_room_state(copy, party, self.room.version, self.room.kicked, self.own)
        return RestoreRequest(
            code=self.code,
            copy=copy,
            known=self.room.position,
            epoch=epoch or attempt().holder,
            expires_at=party.expires_at if expires_at is None else expires_at,
            own=[(lease, names.get(lease.member_id, "")) for lease in self.own],
        )

    async def restore(self) -> RestoreOutcome:
        """Restore the party. If that succeeds, load the replica again."""
        outcome = await self.store.restore_party(self.restore_request(), soon())
        if outcome == Restored():
            await self.look()
        return outcome


async def new_restorer(store: RedisStore, *own: Lease) -> Restorer:
    """Build an instance that knows the party and has the given connections."""
    restorer = Restorer(store, *own)
    await restorer.look()
    return restorer


async def take_own_seat(store: RedisStore, token: str, name: str = "") -> Lease:
    """Take a seat and remember its token, as an instance does."""
    mine = attempt(CODE, token, name)
    joined: Any = await store.join(mine, soon())
    return Lease(CODE, joined.member_id, mine.holder, mine.token_hash)


def age_backup(copy: PartyBackup, seconds: int) -> PartyBackup:
    """Return the backup as if made some seconds earlier."""
    state = dict(zip(copy.state[::2], copy.state[1::2], strict=True))
    for name in (b"touchedAt", b"stoodStill"):
        state[name] = str(int(state[name]) - seconds * 1000).encode()
    return msgspec.structs.replace(copy, state=tuple(word for pair in state.items() for word in pair))


def durable_state(dump: StoreDump) -> Mapping[str, Any]:
    """Return what a restore reproduces: all but the holders, the party clock and the event log."""
    moves = {"epoch", "touchedAt", "stoodStill", "logBytes"}
    return {
        "document": dump.document,
        "state": {"nextTrack": "null", **{name: value for name, value in dump.state.items() if name not in moves}},
        "seats": {
            **dump.seats,
            **{seat: replace(record, holder="") for seat, record in dump.taken_seats.items()},
        },
        "tokens": dump.tokens,
        "roster": dump.roster,
        "entries": sorted(dump.leases),
        "messages": dump.messages,
    }
