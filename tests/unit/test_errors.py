"""Check the table of refusals."""

import pytest

from hubbub.core.errors import CREATE_STORE_UNAVAILABLE, REFUSALS, Reason


@pytest.mark.parametrize(
    ("reason", "sentence", "status"),
    [
        (Reason.CODE_REQUIRED, "Party code is required", 400),
        (Reason.PARTY_NOT_FOUND, "Party not found", 404),
        (Reason.PARTY_ENDED, "This party has ended", 404),
    ],
)
def test_sentences_equal_contract(reason: Reason, sentence: str, status: int) -> None:
    assert REFUSALS[reason][:2] == (sentence, status)


def test_store_unavailable_is_never_not_found() -> None:
    unavailable = REFUSALS[Reason.STORE_UNAVAILABLE]
    assert unavailable.status == 503
    assert unavailable.retryable
    assert CREATE_STORE_UNAVAILABLE == ("Failed to create party in shared store", 500, True)
