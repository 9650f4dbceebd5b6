"""Names of every key and channel that Hubbub uses.

A party has one key that matches `party:*`, its document `party:CODE`, so counting those counts parties. Its other
keys have the same text in braces. They do not match, and they are in the same Cluster slot.
"""

from functools import lru_cache
from typing import Final

from hubbub.core.limits import CODES_CACHED

_PARTY_PARTS: Final = ("ended", "tries", "state", "seats", "tokens", "roster", "leases", "log", "messages")


def party(code: str) -> str:
    """Name the party's document, a JSON string."""
    return f"party:{code}"


def ended(code: str) -> str:
    """Name the tombstone of an ended party. It holds the hash of the host's token."""
    return _of(code, "ended")


def state(code: str) -> str:
    """Name a hash of values that change often: version, party clock, counters, playback."""
    return _of(code, "state")


def leases(code: str) -> str:
    """Name a sorted set of expiries by the party clock: leases, holds, the host's grace."""
    return _of(code, "leases")


@lru_cache(CODES_CACHED)
def party_keys(code: str) -> tuple[str, ...]:
    """Name every key of a party, in the order in which the party scripts take them.

    Keys without a function here:

    - `tries`: the ids of the create attempts that found the party, if there was more than one
    - `seats`: a hash from a member's id to the seat
    - `tokens`: a hash from a token's hash to the id of its seat
    - `roster`: a list of the ids of the listed seats, oldest first
    - `log`: a list of the last events
    - `messages`: a list of the last messages
    """
    return (party(code), *(_of(code, part) for part in _PARTY_PARTS))


def events(code: str) -> str:
    """Name the channel of the party's events."""
    return _of(code, "events")


def idempotency_key(key_hash: str) -> str:
    """Name the key with the code that an idempotency key is bound to."""
    return f"hubbub:once:{key_hash}"


def probe(shard: str, instance_id: str) -> str:
    """Name the channel on which an instance probes its subscription to a shard."""
    return f"hubbub:{{{shard}}}:probe:{instance_id}"


def generation(shard: str) -> str:
    """Name the hash of a shard's generation, with fields `id` and `beat`. Both show data loss."""
    return f"hubbub:{{{shard}}}:life"


def recovering(shard: str) -> str:
    """Name the key that exists while instances write back a shard's lost data. Absence is unknown meanwhile."""
    return f"hubbub:{{{shard}}}:recovering"


def doctor_key(code: str) -> str:
    """Name a key for the doctor's tests, in the slot of a party code but not of the party."""
    return f"hubbub:{{{party(code)}}}:doctor"


def foreign_key(code: str) -> str:
    """Name a key that is not Hubbub's, in the slot of a party code. A restricted user must not have access."""
    return f"doctor:{{{party(code)}}}"


def _of(code: str, part: str) -> str:
    return f"{{party:{code}}}:{part}"
