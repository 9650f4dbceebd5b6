"""Every key that Hubbub writes.

`party:CODE` is the one key a party that matches `party:*`, so that counting those counts parties. Its other
keys put the same text in braces: they do not match, and lie in the same Cluster slot.
"""


def party(code: str) -> str:
    """The party's document."""
    return f"party:{code}"


def ended(code: str) -> str:
    """The tombstone: the party ended not long ago. Holds the hash of its host's token."""
    return f"{{party:{code}}}:ended"


def tries(code: str) -> str:
    """The ids of the creates that found the party, once there was more than one."""
    return f"{{party:{code}}}:tries"


def once(key_hash: str) -> str:
    """The code that an idempotency key is bound to."""
    return f"hubbub:once:{key_hash}"
