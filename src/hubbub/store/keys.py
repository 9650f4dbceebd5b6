"""Every key and channel that Hubbub uses.

`party:CODE` is the one key a party that matches `party:*`, so that counting those counts parties. Its other
keys put the same text in braces: they do not match, and lie in the same Cluster slot.
"""

from functools import lru_cache
from typing import Final

from hubbub.core.limits import CODES_CACHED

_PARTY_PARTS: Final = ("ended", "tries", "state", "seats", "tokens", "roster", "leases", "log", "messages")


def party(code: str) -> str:
    """The party's document."""
    return f"party:{code}"


def ended(code: str) -> str:
    """The tombstone: the party ended not long ago. Holds the hash of its host's token."""
    return _of(code, "ended")


def state(code: str) -> str:
    """A hash of what moves with every change: version, the party's clock, counters, what plays."""
    return _of(code, "state")


def leases(code: str) -> str:
    """A sorted set of what runs out, by the party's clock: leases of connections, holds of seats, the host's grace."""
    return _of(code, "leases")


@lru_cache(CODES_CACHED)
def party_keys(code: str) -> tuple[str, ...]:
    """Every key of a party, in the order in which the scripts on a live party take them.

    Besides those here: `tries`, the ids of the creates that found the party, once there was more than one; `seats`,
    a hash by id; `tokens`, a hash from a token's hash to the id of its seat; `roster`, a list of the ids of the
    listed seats, in the order of their coming; `log`, a list of the last events; `messages`, a list of the last
    messages.
    """
    return (party(code), *(_of(code, part) for part in _PARTY_PARTS))


def events(code: str) -> str:
    """The channel of the party's events."""
    return _of(code, "events")


def once(key_hash: str) -> str:
    """The code that an idempotency key is bound to."""
    return f"hubbub:once:{key_hash}"


def probe(shard: str, instance_id: str) -> str:
    """The channel by which an instance finds out whether events of a shard reach it."""
    return f"hubbub:{{{shard}}}:probe:{instance_id}"


def generation(shard: str) -> str:
    """A hash that names the life of a shard's data, by an id and a beat: what was lost shows there."""
    return f"hubbub:{{{shard}}}:life"


def recovering(shard: str) -> str:
    """There while instances write back what the shard has lost: nothing is known to be absent from it meanwhile."""
    return f"hubbub:{{{shard}}}:recovering"


def doctor_key(code: str) -> str:
    """A key of Hubbub's that is no party's, in the slot of that code's keys."""
    return f"hubbub:{{{party(code)}}}:doctor"


def foreign_key(code: str) -> str:
    """A name that is none of Hubbub's, in the slot of that code's keys: a user of its own may not touch it."""
    return f"doctor:{{{party(code)}}}"


def _of(code: str, part: str) -> str:
    return f"{{party:{code}}}:{part}"
