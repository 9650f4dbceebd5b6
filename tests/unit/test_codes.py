"""Draw party codes and normalize typed ones."""

import random
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.codes import CODE_ALPHABET, draw_code, is_code, normalize_code, parse_code

CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=6, max_size=6)


def test_code_alphabet_has_28_unambiguous_characters() -> None:
    assert len(CODE_ALPHABET) == len(set(CODE_ALPHABET)) == 28
    assert not set(CODE_ALPHABET) & set("AEIOU01IL")


def test_drawn_code_has_six_characters_of_alphabet() -> None:
    for _ in range(1000):
        code = draw_code(secrets.choice)
        assert len(code) == 6
        assert set(code) <= set(CODE_ALPHABET)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ABC12",
        "ABC1234",
        "ABC12!",
        "ABC_123",
        "ABCD1É",
        "ßABCD",
        "\N{FULLWIDTH LATIN CAPITAL LETTER A}BC123",
        "\N{ARABIC-INDIC DIGIT ONE}BC123",
        "ABC12\0",
        "../../",
        "A" * 10_000,
    ],
)
def test_text_that_is_no_code_is_none(typed: str) -> None:
    assert parse_code(typed) is None


@given(
    CODES,
    st.lists(
        st.sampled_from(
            " -\t\r\n\N{EN DASH}\N{EM DASH}\N{NON-BREAKING HYPHEN}\N{MINUS SIGN}\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}"
        ),
        max_size=12,
    ),
    st.randoms(),
)
def test_code_survives_any_spacing_and_case(code: str, noise: list[str], dice: random.Random) -> None:
    typed = [char.lower() if dice.random() < 0.5 else char for char in code]
    for char in noise:
        typed.insert(dice.randrange(len(typed) + 1), char)
    assert parse_code("".join(typed)) == code


@given(st.text())
def test_any_text_is_code_or_none(typed: str) -> None:
    code = parse_code(typed)
    assert code is None or is_code(code)


@given(st.text())
def test_normalize_code_is_idempotent(typed: str) -> None:
    assert normalize_code(normalize_code(typed)) == normalize_code(typed)
