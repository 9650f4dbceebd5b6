"""What one phone knows of its party, with a check of the events' order.

No I/O: every kind of test client keeps one and gives it each message that arrives. It fails the test at once
when events have a gap between them or contradict earlier ones.
"""

from collections.abc import Callable
from typing import Any

Message = dict[str, Any]

UNVERSIONED = frozenset({"WELCOME", "OK", "ERROR", "PONG", "REACTION", "REACTIONS", "STATUS", "KICKED"})
OPENINGS = frozenset({"CREATED", "JOINED", "WATCHING"})
SNAPSHOT_FIELDS = frozenset(
    {
        "code", "createdAt", "expiresAt", "hostId", "hostConnected", "guestCount", "watchers", "capacity",
        "chatMode", "locked", "playback", "members", "messages",
    }
)  # fmt: skip
PLAYBACK_FIELDS = frozenset({"state", "track", "nextTrack", "position", "at"})
MEMBER_FIELDS = frozenset({"id", "name", "isHost", "connected"})
MESSAGE_FIELDS = ("id", "memberId", "name", "text", "at")
MESSAGES_KEPT = 20
LISTED_MAX = 200
# Counting the whole list after each event is dear in a crowd, and small parties show the same faults.
COUNTED_MAX = 50


class PartyView:
    """The last `ROOM` and the events since, applied.

    `room` is the snapshot, its members by id. A view may outlive its connection: handed to the next one, it
    expects just the events after its position, or a new `ROOM`.
    """

    def __init__(self) -> None:
        self.epoch: Any = None
        self.version = -1
        self.room: dict[str, Any] = {}
        self.opening: Message = {}
        self.ended: Message | None = None
        self._all_are_listed = False

    def take(self, message: Message) -> None:
        """Apply one message. Fail if it does not follow from the earlier ones."""
        kind = message["t"]
        if kind in UNVERSIONED:
            assert kind == "WELCOME" or "version" not in message, message
        elif kind in OPENINGS:
            assert {"code", "epoch", "version"} <= message.keys(), message
            self.opening = message
        elif kind == "ROOM":
            self._reload(message)
        else:
            self._advance(message)

    @property
    def is_caught_up(self) -> bool:
        """Return whether all that `CREATED`, `JOINED` or `WATCHING` promised has come."""
        return bool(self.opening and self.room) and self.version >= self.opening["version"]

    @property
    def position(self) -> dict[str, Any]:
        """Where the view stands, as `since` has it."""
        return {"epoch": self.epoch, "version": self.version}

    @property
    def members(self) -> dict[str, Message]:
        """Return the listed members by id."""
        members: dict[str, Message] = self.room["members"]
        return members

    def connected(self) -> set[str]:
        """Return the ids of the listed members who are connected, the host's included."""
        return {member["id"] for member in self.members.values() if member["connected"]}

    def state(self) -> dict[str, Any]:
        """Return all that two phones at the same position must agree on.

        `expiresAt` and `watchers` are sent in `ROOM` only, and the time of a position not by every event.
        """
        playback = self.room["playback"]
        return {
            **{name: self.room[name] for name in ("code", "createdAt", "capacity", "chatMode", "locked")},
            **{name: self.room[name] for name in ("hostId", "hostConnected", "guestCount")},
            "position": self.position,
            "playback": {name: playback[name] for name in ("state", "track", "nextTrack", "position")},
            "members": {key: {name: member[name] for name in MEMBER_FIELDS} for key, member in self.members.items()},
            "messages": [tuple(message[name] for name in MESSAGE_FIELDS) for message in self.room["messages"]],
        }

    def _reload(self, message: Message) -> None:
        snapshot = message["snapshot"]
        assert snapshot.keys() >= SNAPSHOT_FIELDS, f"missing: {SNAPSHOT_FIELDS - snapshot.keys()}"
        assert snapshot["playback"].keys() >= PLAYBACK_FIELDS, snapshot["playback"]
        assert len(snapshot["messages"]) <= MESSAGES_KEPT
        members = {_checked(member)["id"]: member for member in snapshot["members"]}
        assert len(members) == len(snapshot["members"]), f"a member is listed twice: {snapshot['members']}"
        if not self.is_caught_up:
            assert self.opening, f"before CREATED, JOINED or WATCHING: {message}"
            assert message["epoch"] == self.opening["epoch"], (self.opening, message)
            assert message["version"] >= self.opening["version"], (self.opening, message)
        if message["epoch"] == self.epoch:
            assert message["version"] >= self.version, f"back in time from version {self.version}: {message}"
        self.epoch, self.version = message["epoch"], message["version"]
        self.room = {**snapshot, "members": members, "messages": list(snapshot["messages"])}
        self._all_are_listed = len(members) < LISTED_MAX
        self._check()

    def _advance(self, message: Message) -> None:
        kind, version = message["t"], message["version"]
        assert kind in _CHANGES, f"the contract has no {message}"
        assert self.room, f"before any ROOM: {message}"
        assert self.ended is None, f"after the end: {message}"
        assert message.get("epoch", self.epoch) == self.epoch, f"a new epoch without its ROOM: {message}"
        first = message.get("from", version) if kind == "GUEST_COUNT" else version
        assert self.version + 1 == first <= version, f"a hole: after version {self.version} came {message}"
        self.version = version
        if "guestCount" in message:
            self.room["guestCount"] = message["guestCount"]
        _CHANGES[kind](self, message)
        self._check()

    def _check(self) -> None:
        if len(self.members) > COUNTED_MAX or self.ended is not None:
            return
        members = self.members.values()
        assert [member["id"] for member in members if member["isHost"]] == [self.room["hostId"]], self.room
        assert self.members[self.room["hostId"]]["connected"] == self.room["hostConnected"], self.room
        if self._all_are_listed:
            guests = sum(member["connected"] for member in members if not member["isHost"])
            assert self.room["guestCount"] == guests, f"{guests} guests are connected: {self.room}"

    def _joined(self, message: Message) -> None:
        member = _checked(message["member"])
        assert member["id"] not in self.members, f"already there: {message}"
        self.members[member["id"]] = member

    def _left(self, message: Message) -> None:
        assert message["cause"] in {"left", "kicked", "timeout"}, message
        assert message["memberId"] in self.members, f"nobody knew: {message}"
        del self.members[message["memberId"]]

    def _updated(self, message: Message) -> None:
        member = _checked(message["member"])
        assert member["id"] in self.members, f"nobody knew: {message}"
        self.members[member["id"]] = member
        if member["isHost"]:
            self.room["hostConnected"] = member["connected"]

    def _host_changed(self, message: Message) -> None:
        member = _checked(message["member"])
        assert member["id"] == message["hostId"], message
        assert member["isHost"], message
        before = self.members[self.room["hostId"]]
        self.members[before["id"]] = {**before, "isHost": False}
        self.members[member["id"]] = member
        self.room["hostId"], self.room["hostConnected"] = member["id"], member["connected"]

    def _chat_mode(self, message: Message) -> None:
        self.room["chatMode"] = message["mode"]

    def _lock(self, message: Message) -> None:
        self.room["locked"] = message["locked"]

    def _played(self, message: Message) -> None:
        state = "playing" if message["t"] == "PLAY" else "paused"
        self._playback(state=state, position=message["position"], at=message["at"])

    def _selected(self, message: Message) -> None:
        self._playback(state="stopped", track=message["filename"], position=0)

    def _queued(self, message: Message) -> None:
        self._playback(nextTrack=message["filename"])

    def _changed(self, message: Message) -> None:
        self._playback(track=message["filename"], nextTrack=message["nextFilename"], position=0)

    def _playback(self, **changes: Any) -> None:
        self.room["playback"] = {**self.room["playback"], **changes}

    def _spoken(self, message: Message) -> None:
        assert all(name in message for name in MESSAGE_FIELDS), message
        self.room["messages"] = [*self.room["messages"], message][-MESSAGES_KEPT:]

    def _guest_count(self, message: Message) -> None:
        assert "guestCount" in message, message
        self._all_are_listed = False

    def _ended(self, message: Message) -> None:
        assert message["cause"] in {"host_left", "host_timeout"}, message
        assert message["recap"].keys() >= {"seconds", "guests", "messages", "reactions"}, message
        self.ended = message


def _checked(member: Message) -> Message:
    assert member.keys() >= MEMBER_FIELDS, member
    return member


_CHANGES: dict[str, Callable[[PartyView, Message], None]] = {
    "MEMBER_JOINED": PartyView._joined,
    "MEMBER_LEFT": PartyView._left,
    "MEMBER_UPDATED": PartyView._updated,
    "HOST_CHANGED": PartyView._host_changed,
    "CHAT_MODE_SET": PartyView._chat_mode,
    "LOCK_SET": PartyView._lock,
    "PLAY": PartyView._played,
    "PAUSE": PartyView._played,
    "TRACK_SELECTED": PartyView._selected,
    "NEXT_TRACK_QUEUED": PartyView._queued,
    "TRACK_CHANGED": PartyView._changed,
    "MESSAGE": PartyView._spoken,
    "GUEST_COUNT": PartyView._guest_count,
    "ENDED": PartyView._ended,
}
