"""Secrets: their shape, and what of them may be kept.

A token owns a seat. The store keeps only hashes, cut to 132 bits, which is still beyond guessing and saves
21 bytes a seat. Every derivation has a label of its own, so that no kept value reveals another.
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
    """Whether `text` has the shape of an idempotency key."""
    return _IDEMPOTENCY_KEY.fullmatch(text) is not None


def hash_token(token: str) -> str:
    """What the store keeps of a token."""
    return _base64(hashlib.sha256(token.encode()).digest())[:_HASH_CHARS]


def hash_own_token(token: str) -> str:
    """What the store keeps of the token by which a client repeats a `CREATE`: an idempotency key of its own kind."""
    return _base64(_derive(token, b"hubbub own token"))


def hash_idempotency_key(key: str) -> str:
    """What the store keeps of an idempotency key."""
    return _base64(_derive(key, b"hubbub idempotency key"))


def derive_host_token(key: str) -> str:
    """The host's token that belongs to an idempotency key: the same on every instance, at every repeat."""
    return _base64(_derive(key, b"hubbub host token"))


def _derive(key: str, label: bytes) -> bytes:
    return hmac.digest(key.encode(), label, "sha256")


def _base64(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
