"""The command: what it prints, what it refuses, how it ends."""

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import MakeInstance
from tests.support.command import hubbub
from tests.support.stores import StoreServer, lasting_port, wait_for

SECRET = "hunter2-the-password"


# What the settings themselves refuse is in tests/unit/test_settings.py: here one of these, and what only a start finds.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("HOST", "256.1.1.1"),
        ("HOST", "198.51.100.7"),
        ("HOST", "a..b"),
        ("HOST", "x" * 70),
        ("HUBBUB_DATA_DIR", "/proc/hubbub"),
    ],
)
def test_bad_setting_stops_start_with_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    ended = hubbub("serve", folder=tmp_path, **{"PORT": "0", "HUBBUB_DATA_DIR": str(tmp_path), name: value})
    assert ended.returncode == 2
    assert ended.stdout == ""
    (sentence,) = ended.stderr.splitlines()
    assert name in sentence
    assert value in sentence
    assert sentence.endswith(".")


def test_secret_in_bad_value_is_not_printed(tmp_path: Path) -> None:
    ended = hubbub("serve", folder=tmp_path, REDIS_URL=f"ftp://user:{SECRET}@localhost")
    assert ended.returncode == 2
    assert SECRET not in ended.stderr + ended.stdout


def test_required_replicas_must_exist(tmp_path: Path) -> None:
    ended = hubbub("serve", folder=tmp_path, PORT="0", HUBBUB_DATA_DIR=str(tmp_path), REDIS_MIN_REPLICAS="1")
    assert ended.returncode == 2
    assert "REDIS_MIN_REPLICAS" in ended.stderr.splitlines()[-1]


def test_certificates_without_tls_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("rubbish")
    ended = hubbub("serve", folder=tmp_path, REDIS_HOST="localhost", REDIS_CA_FILE=str(file))
    assert ended.returncode == 2
    assert "rediss://" in ended.stderr
    ended = hubbub("serve", folder=tmp_path, REDIS_URL="rediss://localhost", REDIS_CA_FILE=str(file))
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "PEM" in ended.stderr


def test_config_prints_effective_values_and_masks_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"PORT=9999\nREDIS_PASSWORD={SECRET}\nPARTY_CAPACITY=\n")
    ended = hubbub("config", folder=tmp_path, REDIS_URL=f"redis://ann:{SECRET}@localhost:6380/1", HOST="127.0.0.1")
    assert ended.returncode == 0
    lines = dict(line.split("=", 1) for line in ended.stdout.splitlines())
    assert lines["PORT"] == "9999"
    assert lines["HOST"] == "127.0.0.1"
    assert lines["PARTY_CAPACITY"] == "500"
    assert lines["REDIS_URL"] == "redis://ann:********@localhost:6380/1"
    assert SECRET not in ended.stdout + ended.stderr


def test_secrets_of_several_hosts_are_masked(tmp_path: Path) -> None:
    for url, shown in (
        (
            f"redis+sentinel://ann:{SECRET}@a:1,[::1]:2/main?sentinel_password={SECRET}",
            "redis+sentinel://ann:********@a:1,[::1]:2/main?********",
        ),
        ("redis+cluster://a:7000,[::1]:7001,c", "redis+cluster://a:7000,[::1]:7001,c"),
    ):
        ended = hubbub("config", folder=tmp_path, REDIS_URL=url)
        assert ended.returncode == 0
        assert f"REDIS_URL={shown}" in ended.stdout.splitlines()
        assert SECRET not in ended.stdout + ended.stderr


def test_environment_overrides_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9999\n")
    assert "PORT=1234" in hubbub("config", folder=tmp_path, PORT="1234").stdout.splitlines()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("serve", "--help"), ("doctor", "--help"), ("config", "-h"), ("--version",)]
)
def test_help_is_there(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = hubbub(*arguments, folder=tmp_path)
    assert ended.returncode == 0
    assert "hubbub" in ended.stdout.lower()


def test_taken_port_gives_one_sentence(tmp_path: Path, new_instance: MakeInstance) -> None:
    first = new_instance().start()
    ended = hubbub("serve", folder=tmp_path, HOST="127.0.0.1", PORT=str(first.port))
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert f"PORT={first.port}" in sentence


def test_second_instance_on_same_port_ends(store: StoreServer, new_instance: MakeInstance) -> None:
    # A frozen store keeps both from listening for a while, so that both have taken the port.
    store.freeze()
    settings = {"PORT": str(lasting_port()), "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(store.port)}
    both = [new_instance(**settings), new_instance(**settings)]
    for instance in both:
        instance.spawn()
    wait_for(lambda: any(instance.ended() for instance in both))
    (slower,) = (instance for instance in both if instance.ended())
    assert slower.terminate() == 1
    assert f"PORT={settings['PORT']}" in slower.errors().splitlines()[-1]


def test_second_signal_keeps_shutdown_clean(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    process = psutil.Process(instance.pid)
    while not instance.ended():
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    assert instance.terminate() == 0


def test_serve_prints_where_phones_find_it(new_instance: MakeInstance) -> None:
    instance = new_instance(HOST="0.0.0.0", PUBLIC_URL="https://party.example").start()
    wait_for(lambda: "https://party.example" in instance.printed())
    assert instance.terminate() == 0


def test_serve_on_loopback_warns_of_unreachability(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    wait_for(lambda: f"http://127.0.0.1:{instance.port}, which phones cannot reach" in instance.printed())


def test_store_password_is_in_no_log(store: StoreServer, new_instance: MakeInstance) -> None:
    store.admin.config_set("requirepass", SECRET)
    store.command("AUTH", SECRET)
    allowed = new_instance(
        REDIS_HOST="127.0.0.1", REDIS_PORT=str(store.port), REDIS_PASSWORD=SECRET, PORT=str(lasting_port())
    ).start()
    assert allowed.create().status == 200
    refused = new_instance(REDIS_URL=f"redis://:wrong-{SECRET}@127.0.0.1:{store.port}").start()
    assert refused.create().status == 500
    assert refused.redis_state() == "disconnected"
    for instance in (allowed, refused):
        assert instance.terminate() == 0
        assert SECRET not in instance.errors() + instance.printed()
