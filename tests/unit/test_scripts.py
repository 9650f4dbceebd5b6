"""How Lua scripts are put together from their files, and what luacheck says of them."""

import shutil
from importlib.resources import files

import pytest
from msgspec.structs import replace

from hubbub.store import scripts
from hubbub.store.scripts import ScriptError, order_parts, read_part
from tests.support.lua_lint import every_script, lint

needs_luacheck = pytest.mark.skipif(shutil.which("luacheck") is None, reason="luacheck is not installed")


def fake_files(monkeypatch: pytest.MonkeyPatch, **needs: str) -> None:
    """Put these files in place of all others; `needs` are their first lines."""
    texts = {"commands/act": needs.pop("act"), **{f"lib/{name}": text for name, text in needs.items()}}
    monkeypatch.setattr(scripts, "read_part", texts.__getitem__)


def test_parts_of_every_script_stand_behind_their_needs() -> None:
    for script in every_script().values():
        assert script.parts[0] == "lib/prelude"
        assert script.parts[-1] == script.name
        assert len(set(script.parts)) == len(script.parts)
        for index, part in enumerate(script.parts):
            *needed, itself = order_parts(part)
            assert itself == part
            assert set(needed) <= set(script.parts[:index])


def test_every_lua_file_is_part_of_a_script() -> None:
    folders = [folder for folder in files("hubbub.store.scripts").iterdir() if folder.is_dir()]
    there = {f"{folder.name}/{file.name}" for folder in folders for file in folder.iterdir() if ".lua" in file.name}
    assert there == {f"{part}.lua" for script in every_script().values() for part in script.parts}


def test_parts_needed_twice_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_files(
        monkeypatch,
        act="-- needs: seats, events\n",
        seats="-- needs: party\n",
        events="-- needs: party\n",
        party="-- needs: nothing\n",
    )
    assert [*order_parts("commands/act")] == ["lib/party", "lib/seats", "lib/events", "commands/act"]


def test_unknown_need_is_refused() -> None:
    with pytest.raises(ScriptError, match=r"lib/nothing_like_it\.lua is not there"):
        read_part("lib/nothing_like_it")


@pytest.mark.parametrize("first_line", ["", "return 1\n", "-- needs:\n", "-- needs: a b\n", "\n-- needs: nothing\n"])
def test_missing_needs_line_is_refused(monkeypatch: pytest.MonkeyPatch, first_line: str) -> None:
    fake_files(monkeypatch, act=first_line)
    with pytest.raises(ScriptError, match="does not begin with"):
        [*order_parts("commands/act")]


def test_needs_in_a_circle_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_files(monkeypatch, act="-- needs: seats\n", seats="-- needs: events\n", events="-- needs: seats\n")
    with pytest.raises(ScriptError, match="commands/act -> lib/seats -> lib/events -> lib/seats"):
        [*order_parts("commands/act")]


@needs_luacheck
def test_luacheck_finds_nothing_in_any_script() -> None:
    assert list(map(str, lint(every_script()))) == []


@needs_luacheck
@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (b"unheard_of()\n", "accessing undefined variable 'unheard_of'"),
        (b"mistake = 1\n", "setting non-standard global variable 'mistake'"),
        (b"local mistake = 1\n", "unused variable 'mistake'"),
        (b"local now = 1\nreturn now\n", "variable 'now' was previously defined"),
        (b"return redis.call('GET', KEYS[1]\n", "expected"),
    ],
)
def test_luacheck_finds_mistake_and_names_the_file(mistake: bytes, text: str) -> None:
    source = scripts.PROBE.source.replace(b"return {now, 'sent'}\n", mistake)
    findings = lint({"PROBE": replace(scripts.PROBE, source=source)})
    assert any(finding.part == "diagnostics/probe" and text in finding.text for finding in findings)
