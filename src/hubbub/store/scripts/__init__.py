"""Lua scripts, which run the rules that need the store's lock: one script per operation.

The first line of each file names the files of `lib/` that it needs, as in `-- needs: access, playback`. A script
consists of a shebang, the bounds of `core/limits.py` that it mentions, the needed files, each once and after those
that it needs itself, and the file of the operation.
"""

import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Final, Literal

import msgspec

from hubbub.core import limits
from hubbub.core.names import HOST_NAME_DEFAULT

Access = Literal["no-writes", "allow-oom", ""]
"""What a script may do, as its shebang tells the store (Redis 7.0, "Scripts with flags").

`no-writes` runs anywhere, on a read-only replica and in a full store too. A replica refuses every other script before
it starts, even one that writes nothing. `allow-oom` runs in a full store. Without a flag, a full store refuses.
"""

_BOUNDS: Final = {
    "CLOCK_STOPS_AFTER_RENEWALS": limits.CLOCK_STOPS_AFTER_RENEWALS,
    "RENEWALS_PER_LEASE": limits.RENEWALS_PER_LEASE,
    "LISTED_MAX": limits.LISTED_MAX,
    "TTL_REFRESH_MS_MIN": limits.TTL_REFRESH_MS_MIN,
    "LOG_EVENTS_MAX": limits.LOG_EVENTS_MAX,
    "LOG_BYTES_MAX": limits.LOG_BYTES_MAX,
    "SNAPSHOT_MESSAGES_MAX": limits.SNAPSHOT_MESSAGES_MAX,
    "WATCHERS_MAX": limits.WATCHERS_MAX,
    "HOST_NAME": f"'{HOST_NAME_DEFAULT}'",
}
_NEEDS: Final = re.compile(r"-- needs: ([a-z_]+(?:, [a-z_]+)*)\n")
_NOTHING: Final = "nothing"


class Script(msgspec.Struct, frozen=True):
    """A script as the store gets it. The store names it by `sha`; `parts` are its files, in order."""

    name: str
    source: bytes
    sha: str
    parts: tuple[str, ...] = ()


class ScriptError(Exception):
    """A Lua file does not say what it needs, or needs a file that is not there."""


def read_part(path: str) -> str:
    """Return the text of a file, such as `lib/seats`."""
    try:
        return files(__name__).joinpath(f"{path}.lua").read_text("utf-8")
    except FileNotFoundError:
        raise ScriptError(f"{path}.lua is not there") from None


def order_parts(path: str, needed_by: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the files that a file needs, directly or not, each after those that it needs itself, then the file."""
    if path in needed_by:
        raise ScriptError(f"{path}.lua needs itself: {' -> '.join((*needed_by, path))}")
    first_line = _NEEDS.match(read_part(path))
    if first_line is None:
        raise ScriptError(f"{path}.lua does not begin with '-- needs: ...'")
    seen: set[str] = set()
    for name in first_line[1].split(", "):
        if name != _NOTHING:
            parts = order_parts(f"lib/{name}", (*needed_by, path))
            fresh = [part for part in parts if part not in seen]
            seen.update(fresh)
            yield from fresh
    yield path


def _load(path: str, access: Access) -> Script:
    parts = tuple(order_parts(path))
    text = "\n".join(map(read_part, parts))
    shebang = f"#!lua flags={access}\n" if access else "#!lua\n"
    mentioned = set(re.findall(r"\b[A-Z_]+\b", text))
    bounds = "".join(f"local {bound} = {value}\n" for bound, value in _BOUNDS.items() if bound in mentioned)
    source = (shebang + bounds + text).encode()
    return Script(path, source, hashlib.sha1(source, usedforsecurity=False).hexdigest(), parts)


# A party that a replica has is there. Only a primary proves that a party is not there, so each read has a second
# edition, which a replica refuses to run.
READ: Final = _load("queries/read", "no-writes")
READ_WRITABLE_ONLY: Final = _load("queries/read", "allow-oom")
CHECK_JOIN: Final = _load("queries/check_join", "no-writes")
CHECK_JOIN_WRITABLE_ONLY: Final = _load("queries/check_join", "allow-oom")
CATCH_UP: Final = _load("queries/catch_up", "allow-oom")

BIND_IDEMPOTENCY_KEY: Final = _load("commands/bind_idempotency_key", "")
CREATE: Final = _load("commands/create", "")
JOIN: Final = _load("commands/join", "")
# A full store refuses newcomers, and members come back to their seats.
JOIN_ALLOW_OOM: Final = _load("commands/join", "allow-oom")
WATCH: Final = _load("commands/watch", "")
# Scripts that free memory must run in a full store.
DROP_CONNECTION: Final = _load("commands/drop_connection", "allow-oom")
RENEW: Final = _load("commands/renew", "allow-oom")
LEAVE: Final = _load("commands/leave", "allow-oom")
KICK: Final = _load("commands/kick", "allow-oom")
RENAME: Final = _load("commands/rename", "")
SEND_MESSAGE: Final = _load("commands/send_message", "")
SEND_REACTION: Final = _load("commands/send_reaction", "")
PROMOTE: Final = _load("commands/promote", "")
SET_CHAT_MODE: Final = _load("commands/set_chat_mode", "")
SET_LOCK: Final = _load("commands/set_lock", "")
SELECT_TRACK: Final = _load("commands/select_track", "")
QUEUE_TRACK: Final = _load("commands/queue_track", "")
CHANGE_TRACK: Final = _load("commands/change_track", "")
PLAY: Final = _load("commands/play", "")

GENERATION: Final = _load("recovery/generation", "allow-oom")
RESTORE_PARTY: Final = _load("recovery/restore_party", "allow-oom")
RESTORE_TOMBSTONE: Final = _load("recovery/restore_tombstone", "allow-oom")
ROLLBACK_CREATE: Final = _load("recovery/rollback_create", "allow-oom")
ROLLBACK_JOIN: Final = _load("recovery/rollback_join", "allow-oom")

PING: Final = _load("diagnostics/ping", "allow-oom")
PROBE: Final = _load("diagnostics/probe", "allow-oom")
CHECK_PERMISSIONS: Final = _load("diagnostics/check_permissions", "allow-oom")
