"""The embedded engine: private, shared by the instances of a data folder, and gone with the last of them."""

import stat
import time
from pathlib import Path

import psutil
import redis

from tests.integration.conftest import MakeInstance
from tests.support.instances import Instance
from tests.support.stores import wait_for


def engines(folder: Path) -> list[psutil.Process]:
    """Return the engines that work in a data folder, without what they fork to write their logs afresh."""
    found = {}
    for process in psutil.process_iter():
        try:
            if "valkey" in process.name() and process.cwd() == str(folder) and process.status() != "zombie":
                found[process] = process.ppid()
        except psutil.Error:
            continue
    pids = {process.pid for process in found}
    return [process for process, parent in found.items() if parent not in pids]


def has_written(folder: Path) -> bool:
    """Return whether the engine has written everything it confirmed, and holds nothing back for a sync."""
    with redis.Redis(unix_socket_path=str(folder / "engine.sock")) as engine:
        return int(engine.info("persistence")["aof_buffer_length"]) == 0


def the_owner(*instances: Instance) -> Instance:
    """Return the one instance that owns the engine."""
    owners = [instance for instance in instances if instance.engine() is not None]
    assert len(owners) == 1
    return owners[0]


def test_embedded_party_survives_restart(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    code = instance.create().body["partyCode"]
    assert instance.terminate() == 0
    instance.start()
    assert instance.join(code).status == 200


def test_engine_has_no_port_and_private_folder(new_instance: MakeInstance, tmp_path: Path) -> None:
    instance = new_instance().start()
    engine = instance.engine()
    assert engine is not None
    assert engine.net_connections("inet") == []
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "engine.sock").stat().st_mode) == 0o700


def test_second_instance_shares_engine_of_first(new_instance: MakeInstance, tmp_path: Path) -> None:
    first, second = new_instance().start(), new_instance().start()
    assert second.join(first.create().body["partyCode"]).status == 200
    assert first.join(second.create().body["partyCode"]).status == 200
    assert len(engines(tmp_path / "data")) == 1


def test_survivor_continues_when_owner_is_killed(new_instance: MakeInstance, tmp_path: Path) -> None:
    first, second = new_instance().start(), new_instance().start()
    codes = [first.create().body["partyCode"] for _ in range(20)]
    wait_for(lambda: has_written(tmp_path / "data"))
    first.kill()
    killed_at = time.monotonic()
    wait_for(lambda: second.join(codes[0]).status == 200)
    assert time.monotonic() - killed_at < 5.0
    assert [second.join(code).status for code in codes] == [200] * 20
    assert second.create().status == 200
    assert len(engines(tmp_path / "data")) == 1


def test_survivor_continues_when_owner_ends(new_instance: MakeInstance) -> None:
    first, second = new_instance().start(), new_instance().start()
    code = first.create().body["partyCode"]
    assert first.terminate() == 0
    wait_for(lambda: second.join(code).status == 200)
    first.start()
    assert first.join(code).status == 200
    assert the_owner(first, second) is second


def test_six_racing_starters_share_one_engine(new_instance: MakeInstance, tmp_path: Path) -> None:
    instances = [new_instance() for _ in range(6)]
    for instance in instances:
        instance.spawn()
    for instance in instances:
        wait_for(instance.is_listening)
        instance.port = next(line["port"] for line in instance.log() if line["event"] == "listening")
    code = instances[0].create().body["partyCode"]
    assert [instance.join(code).status for instance in instances] == [200] * 6
    assert len(engines(tmp_path / "data")) == 1
    the_owner(*instances)


def test_engine_ends_with_last_instance(new_instance: MakeInstance, tmp_path: Path) -> None:
    killed = new_instance().start()
    killed.kill()
    wait_for(lambda: not engines(tmp_path / "data"), 5.0)
    ended = new_instance().start()
    ended.terminate()
    wait_for(lambda: not engines(tmp_path / "data"), 5.0)


def test_frozen_engine_ends_with_killed_owner(new_instance: MakeInstance, tmp_path: Path) -> None:
    instance = new_instance().start()
    engine = instance.engine()
    assert engine is not None
    engine.suspend()
    instance.kill()
    wait_for(lambda: not engines(tmp_path / "data"), 5.0)


def test_killed_engine_is_replaced_with_its_parties(new_instance: MakeInstance) -> None:
    instance = new_instance().start()
    code = instance.create().body["partyCode"]
    engine = instance.engine()
    assert engine is not None
    engine.kill()
    wait_for(lambda: instance.join(code).status == 200)
    assert {instance.join(code).status for _ in range(20)} == {200}


def test_data_folder_may_exceed_socket_path_length(new_instance: MakeInstance, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("longer" * 10) / "data with spaces"
    first = new_instance(HUBBUB_DATA_DIR=str(folder)).start()
    second = new_instance(HUBBUB_DATA_DIR=str(folder)).start()
    assert second.join(first.create().body["partyCode"]).status == 200


def test_unstartable_engine_is_retried_until_it_starts(new_instance: MakeInstance, tmp_path: Path) -> None:
    instance = new_instance().start()
    code = instance.create().body["partyCode"]
    log = tmp_path / "data" / "engine.log"
    log.unlink()
    log.mkdir()
    engine = instance.engine()
    assert engine is not None
    engine.kill()
    wait_for(lambda: any("cannot be started" in line.get("what", "") for line in instance.log()))
    assert instance.join(code).status == 503
    log.rmdir()
    wait_for(lambda: instance.join(code).status == 200)


def test_unreadable_engine_data_ends_start_with_its_error(new_instance: MakeInstance, tmp_path: Path) -> None:
    instance = new_instance().start()
    instance.create()
    assert instance.terminate() == 0
    newest = max((tmp_path / "data" / "appendonlydir").glob("*.incr.aof"))
    with newest.open("ab") as file:
        file.write(b"garbage garbage\r\n")
    instance.spawn()
    wait_for(instance.ended, 20)
    assert instance.terminate() == 1
    assert "Bad file format reading the append only file" in instance.errors().splitlines()[-1]


def test_sigterm_during_the_start_is_obeyed(new_instance: MakeInstance) -> None:
    first = new_instance().start()
    engine = first.engine()
    assert engine is not None
    engine.suspend()
    waiting = new_instance()
    waiting.spawn()
    # It has its signal handlers as soon as it has opened the lock, which it does before it waits.
    wait_for(lambda: "engine.lock" in " ".join(file.path for file in psutil.Process(waiting.pid).open_files()))
    assert waiting.terminate() == 0
    engine.resume()


def test_expired_party_leaves_disk_after_next_start(new_instance: MakeInstance, tmp_path: Path) -> None:
    def names_on_disk() -> set[bytes]:
        content = b"".join(map(_content, (tmp_path / "data").rglob("*")))
        return {name for name in (b"Somebody Gone", b"Somebody Here") if name in content}

    instance = new_instance().start()
    gone = instance.create(name="Somebody Gone").body["partyCode"]
    here = instance.create(name="Somebody Here").body["partyCode"]
    with redis.Redis(unix_socket_path=str(tmp_path / "data" / "engine.sock")) as engine:
        engine.pexpire(f"party:{gone}", 1)
        wait_for(lambda: not engine.exists(f"party:{gone}"))
    wait_for(lambda: names_on_disk() == {b"Somebody Gone", b"Somebody Here"})
    assert instance.terminate() == 0
    instance.start()
    wait_for(lambda: names_on_disk() == {b"Somebody Here"})
    assert instance.join(here).status == 200


def _content(file: Path) -> bytes:
    """Return what is in a file; nothing if the engine, which writes its log afresh, has just taken it away."""
    try:
        return file.read_bytes() if file.is_file() else b""
    except FileNotFoundError:
        return b""
