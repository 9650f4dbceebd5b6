"""Names of members."""

from typing import Final
from unicodedata import category

from hubbub.core.limits import NAME_CHARS_MAX

HOST_NAME_DEFAULT: Final = "Host"

INVISIBLE: Final = frozenset("\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}")
DIRECTION_CONTROLS: Final = frozenset(
    "\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}"
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{RIGHT-TO-LEFT EMBEDDING}\N{POP DIRECTIONAL FORMATTING}"
    "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}"
    "\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT ISOLATE}\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
)
_JOINERS: Final = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


def clean_name(name: str) -> str:
    """Return `name` trimmed, without control and direction characters, cut to `NAME_CHARS_MAX`.

    A name without a visible character becomes empty. Joiners stay: emoji and several scripts need them. Lone
    surrogates go: UTF-8 cannot hold them.
    """
    remaining = "".join(
        char
        for char in name
        if category(char) not in {"Cc", "Cs"} and char not in DIRECTION_CONTROLS and char not in INVISIBLE
    )
    cut = remaining.strip()[:NAME_CHARS_MAX].strip()
    return cut if cut.strip(_JOINERS) else ""
