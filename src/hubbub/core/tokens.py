"""Check and hash tokens and idempotency keys.

A token owns a seat. The store has only hashes, cut to 132 bits: that cannot be guessed, and saves 21 bytes per seat.
Every derivation has its own label, so that no stored value reveals another.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final

from hubbub.core.limits import (
    IDEMPOTENCY_KEY_CHARS_MAX,
    IDEMPOTENCY_KEY_CHARS_MIN,
)

_IDEMPOTENCY_KEY: Final = re.compile(rf"[A-Za-z0-9_-]{{{IDEMPOTENCY_KEY_CHARS_MIN},{IDEMPOTENCY_KEY_CHARS_MAX}}}")
_HASH_CHARS: Final = 22


def is_idempotency_key(text: str) -> bool:
    """Return whether `text` has the form of an idempotency key."""
    return _IDEMPOTENCY_KEY.fullmatch(text) is not None


def hash_token(token: str) -> str:
    """Return the hash by which the store knows a token."""
    return _base64(hashlib.sha256(token.encode()).digest())[:_HASH_CHARS]


def hash_own_token(token: str) -> str:
    """Return the hash of the token by which a client repeats a `CREATE`, which is used like an idempotency key."""
    return _base64(_derive(token, b"hubbub own token"))


def hash_idempotency_key(key: str) -> str:
    """Return the hash by which the store knows an idempotency key."""
    return _base64(_derive(key, b"hubbub idempotency key"))


def derive_host_token(key: str) -> str:
    """Return the host's token of an idempotency key: the same on every instance and for every repeat."""
    return _base64(_derive(key, b"hubbub host token"))


def _derive(key: str, label: bytes) -> bytes:
    return hmac.digest(key.encode(), label, "sha256")


def _base64(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
