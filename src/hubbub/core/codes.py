"""Party codes: draw one, and read what a person typed."""

import re
from collections.abc import Callable, Sequence
from typing import Final
from unicodedata import category

from hubbub.core.limits import CODE_LENGTH
from hubbub.core.names import INVISIBLE

CODE_ALPHABET: Final = "BCDFGHJKMNPQRSTVWXYZ23456789"

_CODE: Final = re.compile(rf"[A-Z0-9]{{{CODE_LENGTH}}}")
_MINUS_SIGN: Final = "\N{MINUS SIGN}"


def _is_separator(char: str) -> bool:
    """Return whether `char` is a space or a hyphen, which people put between the characters of a code."""
    return char.isspace() or char in INVISIBLE or char == _MINUS_SIGN or category(char) == "Pd"


_ASCII_SEPARATORS: Final = {number: None for number in range(128) if _is_separator(chr(number))}


def normalize_code(typed: str) -> str:
    """Return `typed` in upper case without spaces and hyphens."""
    if typed.isascii():
        return typed.translate(_ASCII_SEPARATORS).upper()
    # Only ASCII is upper-cased. Otherwise "ß" would become "SS", which is not what the person typed.
    remaining = "".join(char for char in typed if not _is_separator(char))
    return "".join(char.upper() if char.isascii() else char for char in remaining)


def is_code(text: str) -> bool:
    """Return whether `text` is a code as the store has it: six of `A-Z0-9`."""
    return _CODE.fullmatch(text) is not None


def parse_code(typed: str) -> str | None:
    """Return the code that a person meant by `typed`, or None if it cannot be a code."""
    normalized = normalize_code(typed)
    return normalized if is_code(normalized) else None


def draw_code(choose: Callable[[Sequence[str]], str]) -> str:
    """Return a new code of characters that look unlike each other; `choose` must pick one unpredictably."""
    return "".join(choose(CODE_ALPHABET) for _ in range(CODE_LENGTH))
