"""The rules that need the store's lock, one Lua script an operation, each with the shared head."""

import hashlib
from importlib.resources import files
from typing import Final, Literal

import msgspec

Access = Literal["no-writes", "allow-oom", ""]
"""What a script may do, as its shebang tells the store (Redis 7.0, "Scripts with flags").

`no-writes` runs anywhere, on a read-only replica and in a full store too. Every other script is refused by a
replica before it starts, even where it writes nothing. `allow-oom` runs in a full store; with no flag a full
store refuses.
"""


class Script(msgspec.Struct, frozen=True):
    """A script as the store gets it; `sha` is the name it knows the source by."""

    name: str
    source: bytes
    sha: str


def _load(name: str, access: Access) -> Script:
    shebang = f"#!lua flags={access}\n" if access else "#!lua\n"
    parts = (files(__name__).joinpath(f"{part}.lua").read_text("utf-8") for part in ("head", name))
    source = (shebang + "\n".join(parts)).encode()
    return Script(name, source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


# A party that a replica has is there; only a primary's word proves that one is not. So each read has a
# second edition, which a replica refuses to run.
READ: Final = _load("read", "no-writes")
READ_ON_PRIMARY: Final = _load("read", "allow-oom")
CHECK_JOIN: Final = _load("check_join", "no-writes")
CHECK_JOIN_ON_PRIMARY: Final = _load("check_join", "allow-oom")

CLAIM: Final = _load("claim", "")
CREATE: Final = _load("create", "")
# Whatever frees memory must run in a store that has none left.
DELETE: Final = _load("delete", "allow-oom")
WITHDRAW: Final = _load("withdraw", "allow-oom")
PING: Final = _load("ping", "allow-oom")
