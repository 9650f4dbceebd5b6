"""Clean the names that people type."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.names import clean_name


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Ann", "Ann"),
        ("  Ann  ", "Ann"),
        ("A\0n\x1bn\x7f", "Ann"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}nnA\N{POP DIRECTIONAL FORMATTING}", "nnA"),
        ("\N{FIRST STRONG ISOLATE}Ann\N{POP DIRECTIONAL ISOLATE}", "Ann"),
        ("\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}", "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"),
        (
            "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
            "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
        ),
        ("\ud83dAnn", "Ann"),
        ("", ""),
        (" \t\n", ""),
        ("\N{ZERO WIDTH SPACE}\N{ZERO WIDTH JOINER}", ""),
        ("x" * 51, "x" * 50),
        ("x" * 49 + "  y", "x" * 49),
    ],
)
def test_name_is_trimmed_cleaned_and_truncated(typed: str, shown: str) -> None:
    assert clean_name(typed) == shown


@given(st.text(st.characters(), max_size=200))
def test_clean_name_is_short_printable_and_idempotent(typed: str) -> None:
    shown = clean_name(typed)
    assert len(shown) <= 50
    assert shown == shown.strip()
    assert not any(category(char) in {"Cc", "Cs"} for char in shown)
    assert shown.encode().decode() == shown
    assert clean_name(shown) == shown
