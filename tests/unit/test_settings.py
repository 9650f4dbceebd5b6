"""Refuse bad settings before anything starts, in one sentence that repeats no secret."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hubbub import cli
from hubbub.config import Settings

SECRET = "hunter2-the-password"


@pytest.fixture(autouse=True)
def bare_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no .env file is, nothing is set, and nothing may start."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "serve_instance", started)


def started(*_: object) -> None:
    raise AssertionError("the value was taken, and the instance starts")


def serve(**settings: str) -> Result:
    """The command in this process: a process each would cost most of a second."""
    return CliRunner().invoke(cli.main, ["serve"], env=settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "80.5"),
        ("HOST", "not a host"),
        ("PUBLIC_URL", "party.example"),
        ("PUBLIC_URL", "ftp://party.example"),
        ("PUBLIC_URL", "https://party.example/?a=b"),
        ("REDIS_HOST", "redis://localhost"),
        ("REDIS_HOST", "localhost:6379"),
        ("REDIS_URL", "redis://ho st"),
        ("REDIS_URL", "redis://localhost/99999999999"),
        ("PUBLIC_URL", 'http://a"b<c'),
        ("PUBLIC_URL", "https://party.example/" + "a" * 200),
        ("REDIS_PORT", "0"),
        ("REDIS_URL", "http://localhost"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://localhost:99999"),
        ("REDIS_URL", "redis://localhost/name"),
        ("REDIS_URL", "rediss://localhost?ssl_cert_reqs=none"),
        ("REDIS_URL", "redis://[::1"),
        ("REDIS_URL", "redis+cluster://a:0"),
        ("REDIS_URL", "redis+cluster://a?sentinel_password="),
        ("REDIS_CA_FILE", "/nowhere/ca.pem"),
        ("REDIS_MIN_REPLICAS", "6"),
        ("REDIS_MIN_REPLICAS", "-1"),
        ("HUBBUB_DATA_DIR", "~nobody-of-that-name/data"),
        ("PARTY_TTL_SECONDS", "59"),
        ("PARTY_TTL_SECONDS", "86401"),
        ("HOST_GRACE_SECONDS", "4"),
        ("SEAT_HOLD_SECONDS", "7201"),
        ("LEASE_SECONDS", "2"),
        ("PARTY_CAPACITY", "1"),
        ("PARTY_CAPACITY", "10001"),
        ("ALLOWED_ORIGINS", "party.example"),
        ("ALLOWED_ORIGINS", "https://a.example,https://b.example/path"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_bad_setting_is_refused_with_one_sentence(name: str, value: str) -> None:
    ended = serve(**{name: value})
    assert ended.exit_code == 2
    assert ended.stdout == ""
    (sentence,) = ended.stderr.splitlines()
    assert name in sentence
    assert value.partition("?")[0] in sentence  # what follows may be a secret
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://user:{SECRET}@localhost",
        f"user:{SECRET}@localhost",
        f"redis://:{SECRET}@host:x",
        f"redis://user:{SECRET}?x@localhost",
        f"redis://user:{SECRET}",
        f"redis://:{SECRET}",
        f"redis+sentinel://u:{SECRET}@a,b?sentinel_password={SECRET}",
        f"redis+sentinel://u:{SECRET}@a,b/main?sentinel_password={SECRET}&sentinel_password={SECRET}",
        f"redis+cluster://u:{SECRET}@a:7000,b:x",
        f"redis+cluster://a:7000,b:{SECRET}",
        f"redis+cluster://a:{SECRET},b:7000/",
        f"redis+sentinel://:{SECRET}/main",
        f"redis+sentinel://a,b/main?password={SECRET}",
    ],
)
def test_secret_in_bad_setting_is_not_repeated(url: str) -> None:
    ended = serve(REDIS_URL=url)
    assert ended.exit_code == 2
    assert SECRET not in ended.output
