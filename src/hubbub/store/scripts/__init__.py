"""The rules that need the store's lock, one Lua script an operation, put together from shared parts.

Every script begins with the bounds of `core/limits.py` and `head.lua`. Those on a live party go on with `party.lua`
(keys, document, numbers, clock), `events.lua` (numbering, log, publishing) and `seats.lua` (seats, leases, sweep).
Those that compare positions have `position.lua`.
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
    "CLOCK_STOPS_AFTER_RENEWALS": limits.CLOCK_STOPS_AFTER_RENEWALS,
    "RENEWALS_PER_LEASE": limits.RENEWALS_PER_LEASE,
    "LISTED_MAX": limits.LISTED_MAX,
    "LIFE_RENEWAL_MS_MIN": limits.LIFE_RENEWAL_MS_MIN,
    "LOG_EVENTS_MAX": limits.LOG_EVENTS_MAX,
    "LOG_BYTES_MAX": limits.LOG_BYTES_MAX,
    "MESSAGES_MAX": limits.SNAPSHOT_MESSAGES_MAX,
    "WATCHERS_MAX": limits.WATCHERS_MAX,
    "HOST_NAME": f"'{HOST_NAME_DEFAULT}'",
}
_LIVE: Final = ("party", "events", "seats")


class Script(msgspec.Struct, frozen=True):
    """A script as the store gets it; `sha` is the name it knows the source by."""

    name: str
    source: bytes
    sha: str


def _load(name: str, access: Access, shared: tuple[str, ...] = ()) -> Script:
    shebang = f"#!lua flags={access}\n" if access else "#!lua\n"
    bounds = "".join(f"local {bound} = {value}\n" for bound, value in _BOUNDS.items())
    paths = (*(f"lib/{part}" for part in ("prelude", *shared)), name)
    parts = (files(__name__).joinpath(f"{path}.lua").read_text("utf-8") for path in paths)
    source = (shebang + bounds + "\n".join(parts)).encode()
    return Script(name, source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


# A party that a replica has is there; only a primary's word proves that one is not. So each read has a
# second edition, which a replica refuses to run.
READ: Final = _load("queries/read", "no-writes")
READ_WRITABLE_ONLY: Final = _load("queries/read", "allow-oom")
CHECK_JOIN: Final = _load("queries/check_join", "no-writes")
CHECK_JOIN_WRITABLE_ONLY: Final = _load("queries/check_join", "allow-oom")
CATCH_UP: Final = _load("queries/catch_up", "allow-oom", ("position",))

BIND_IDEMPOTENCY_KEY: Final = _load("commands/bind_idempotency_key", "")
CREATE: Final = _load("commands/create", "")
JOIN: Final = _load("commands/join", "", _LIVE)
# In a full store newcomers are refused, and everyone who has a seat comes back to it.
JOIN_ALLOW_OOM: Final = _load("commands/join", "allow-oom", _LIVE)
WATCH: Final = _load("commands/watch", "", _LIVE)
# Whatever frees memory must run in a store that has none left.
DROP_CONNECTION: Final = _load("commands/drop_connection", "allow-oom", _LIVE)
RENEW: Final = _load("commands/renew", "allow-oom", (*_LIVE, "position"))
LEAVE: Final = _load("commands/leave", "allow-oom", _LIVE)
KICK: Final = _load("commands/kick", "allow-oom", _LIVE)
RENAME: Final = _load("commands/rename", "", _LIVE)
SEND_MESSAGE: Final = _load("commands/send_message", "", _LIVE)
SEND_REACTION: Final = _load("commands/send_reaction", "", _LIVE)
PROMOTE: Final = _load("commands/promote", "", _LIVE)
SET_CHAT_MODE: Final = _load("commands/set_chat_mode", "", _LIVE)
SET_LOCK: Final = _load("commands/set_lock", "", _LIVE)
SELECT_TRACK: Final = _load("commands/select_track", "", _LIVE)
QUEUE_TRACK: Final = _load("commands/queue_track", "", _LIVE)
CHANGE_TRACK: Final = _load("commands/change_track", "", _LIVE)
PLAY: Final = _load("commands/play", "", _LIVE)

GENERATION: Final = _load("recovery/generation", "allow-oom")
RESTORE_PARTY: Final = _load("recovery/restore_party", "allow-oom", (*_LIVE, "position"))
RESTORE_TOMBSTONE: Final = _load("recovery/restore_tombstone", "allow-oom")
ROLLBACK_CREATE: Final = _load("recovery/rollback_create", "allow-oom")
ROLLBACK_JOIN: Final = _load("recovery/rollback_join", "allow-oom", _LIVE)

PING: Final = _load("diagnostics/ping", "allow-oom")
PROBE: Final = _load("diagnostics/probe", "allow-oom")
CHECK_PERMISSIONS: Final = _load("diagnostics/check_permissions", "allow-oom")
