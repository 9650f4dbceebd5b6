"""Build the error documents of HTTP refusals."""

import pytest

from hubbub.core.errors import Reason
from hubbub.transport.middleware import refusal_response


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (29.01, "30")])
def test_retry_after_is_rounded_up_to_seconds(seconds: float, header: str) -> None:
    assert refusal_response(Reason.RATE_LIMITED, retry_after_s=seconds).headers["Retry-After"] == header
    assert refusal_response(Reason.PARTY_NOT_FOUND, retry_after_s=seconds).headers["Retry-After"] == header


def test_retry_after_depends_on_reason_by_default() -> None:
    assert refusal_response(Reason.STORE_UNAVAILABLE).headers["Retry-After"] == "1"
    assert "Retry-After" not in refusal_response(Reason.PARTY_NOT_FOUND).headers


def test_refusal_may_add_headers() -> None:
    response = refusal_response(Reason.RATE_LIMITED, headers={"RateLimit": '"x";r=0'})
    assert response.headers["RateLimit"] == '"x";r=0'
    assert response.headers["Content-Type"].startswith("application/json")
