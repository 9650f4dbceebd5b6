"""The rules that need the store's lock, one Lua script an operation, put together from shared parts.

Every script begins with the bounds of `core/limits.py` and `head.lua`. Those on a live party go on with `state.lua`
(keys, document, numbers, clock), `telling.lua` (numbering, log, publishing) and `seats.lua` (seats, leases, sweep).
Those that compare positions have `proof.lua`.
"""

import hashlib
from importlib.resources import files
from typing import Final, Literal

import msgspec

from hubbub.core import limits
from hubbub.core.party import HOST_NAME_DEFAULT

Access = Literal["no-writes", "allow-oom", ""]
"""What a script may do, as its shebang tells the store (Redis 7.0, "Scripts with flags").

`no-writes` runs anywhere, on a read-only replica and in a full store too. Every other script is refused by a
replica before it starts, even where it writes nothing. `allow-oom` runs in a full store; with no flag a full
store refuses.
"""

_BOUNDS: Final = {
    "LISTED_MAX": limits.LISTED_MAX,
    "LIFE_RENEWAL_MS_MIN": limits.LIFE_RENEWAL_MS_MIN,
    "LOG_EVENTS_MAX": limits.LOG_EVENTS_MAX,
    "LOG_BYTES_MAX": limits.LOG_BYTES_MAX,
    "MESSAGES_MAX": limits.SNAPSHOT_MESSAGES_MAX,
    "WATCHERS_MAX": limits.WATCHERS_MAX,
    "HOST_NAME": f"'{HOST_NAME_DEFAULT}'",
}
_LIVE: Final = ("state", "telling", "seats")


class Script(msgspec.Struct, frozen=True):
    """A script as the store gets it; `sha` is the name it knows the source by."""

    name: str
    source: bytes
    sha: str


def _load(name: str, access: Access, shared: tuple[str, ...] = ()) -> Script:
    shebang = f"#!lua flags={access}\n" if access else "#!lua\n"
    bounds = "".join(f"local {bound} = {value}\n" for bound, value in _BOUNDS.items())
    parts = (files(__name__).joinpath(f"{part}.lua").read_text("utf-8") for part in ("head", *shared, name))
    source = (shebang + bounds + "\n".join(parts)).encode()
    return Script(name, source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


# A party that a replica has is there; only a primary's word proves that one is not. So each read has a
# second edition, which a replica refuses to run.
READ: Final = _load("read", "no-writes")
READ_WRITABLE_ONLY: Final = _load("read", "allow-oom")
CHECK_JOIN: Final = _load("check_join", "no-writes")
CHECK_JOIN_ON_PRIMARY: Final = _load("check_join", "allow-oom")

CLAIM: Final = _load("claim", "")
CREATE: Final = _load("create", "")
# Whatever frees memory must run in a store that has none left.
WITHDRAW: Final = _load("withdraw", "allow-oom")
PING: Final = _load("ping", "allow-oom")
PROBE: Final = _load("probe", "allow-oom")
CATCH_UP: Final = _load("catch_up", "allow-oom", ("proof",))
LIFE: Final = _load("life", "allow-oom")
BURY: Final = _load("bury", "allow-oom")
TRY_RIGHTS: Final = _load("try_rights", "allow-oom")

JOIN: Final = _load("join", "", _LIVE)
# In a full store newcomers are refused, and everyone who has a seat comes back to it.
JOIN_ALLOW_OOM: Final = _load("join", "allow-oom", _LIVE)
UNDO_JOIN: Final = _load("undo_join", "allow-oom", _LIVE)
WATCH: Final = _load("watch", "", _LIVE)
RELEASE: Final = _load("release", "allow-oom", _LIVE)
RENEW: Final = _load("renew", "allow-oom", (*_LIVE, "proof"))
HEAL: Final = _load("heal", "allow-oom", (*_LIVE, "proof"))

LEAVE: Final = _load("leave", "allow-oom", _LIVE)
KICK: Final = _load("kick", "allow-oom", _LIVE)
RENAME: Final = _load("rename", "", _LIVE)
MESSAGE: Final = _load("message", "", _LIVE)
REACTION: Final = _load("reaction", "", _LIVE)
PROMOTE: Final = _load("promote", "", _LIVE)
CHAT_MODE: Final = _load("chat_mode", "", _LIVE)
LOCK: Final = _load("lock", "", _LIVE)
SELECT_TRACK: Final = _load("select_track", "", _LIVE)
QUEUE_TRACK: Final = _load("queue_track", "", _LIVE)
CHANGE_TRACK: Final = _load("change_track", "", _LIVE)
PLAY: Final = _load("play", "", _LIVE)
