"""Every object is the only writer of its state: no module assigns an attribute of another object."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hubbub

SOURCES = Path(hubbub.__file__).parent
OWNED = ["hub", "recovery", "services"]
MEMBERSHIPS = SOURCES / "hub" / "local_room.py"
"""A room writes what it has sent to its memberships, which live in the same module."""


def foreign_writes(source: str) -> Iterator[str]:
    """Find assignments to attributes of anything but `self`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store | ast.Del):
            continue
        if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            yield ast.unparse(node)


@pytest.mark.parametrize("package", OWNED)
def test_state_is_written_by_its_owner_only(package: str) -> None:
    files = [path for path in (SOURCES / package).glob("*.py") if path != MEMBERSHIPS]
    assert files
    assert {path.name: writes for path in files if (writes := list(foreign_writes(path.read_text())))} == {}


def test_a_room_writes_nothing_but_its_own_memberships() -> None:
    assert set(foreign_writes(MEMBERSHIPS.read_text())) == {"membership.sent_version"}


@pytest.mark.parametrize(
    "planted", ["room.x = 1", "self.room.x = 1", "room.x += 1", "room.x: int = 1", "del room.x", "a, room.x = 1, 2"]
)
def test_a_planted_foreign_write_is_found(planted: str) -> None:
    assert list(foreign_writes(planted))
    assert not list(foreign_writes("self.x = 1; y = room.x"))
