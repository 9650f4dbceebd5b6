"""Check tokens and idempotency keys: their shape, their derivation, and what is stored of them."""

import re

import pytest

from hubbub.core import tokens

KEY = "a-secret-of-the-caller_1"


@pytest.mark.parametrize("text", ["a" * 16, "a" * 128])
def test_idempotency_key_has_16_to_128_url_safe_characters(text: str) -> None:
    assert tokens.is_idempotency_key(text)


@pytest.mark.parametrize("text", ["", "a" * 15, "a" * 129, "a" * 16 + "\n", "key with spaces in it"])
def test_other_text_is_no_idempotency_key(text: str) -> None:
    assert not tokens.is_idempotency_key(text)


def test_idempotency_key_derives_one_host_token() -> None:
    token = tokens.derive_host_token(KEY)
    assert token == tokens.derive_host_token(KEY)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,64}", token)
    assert token != tokens.derive_host_token(KEY + "x")


def test_stored_hashes_do_not_reveal_token_or_key() -> None:
    token = tokens.derive_host_token(KEY)
    kept = {tokens.hash_token(token), tokens.hash_idempotency_key(KEY)}
    assert not kept & {token, KEY, token[:22]}
    assert len(tokens.hash_token(token)) == 22
