"""Every fault, for a short time, under a small evening: nothing untrue is told, and everybody is level again."""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.evening import SHORT, Evening
from tests.faults.faults import FAULTS, Fault
from tests.faults.history import History
from tests.faults.older import NoOlderVersion, OnlyOneVersion, older_source
from tests.faults.report import reports, table
from tests.faults.world import World

# From when the store itself is back, a primary's place taken by another where it has to be. An instance that went on
# writing to a master that an operator has replaced would need twelve.
FIRST_SUCCESS_SECONDS_MAX = 5.0
LEVEL_SECONDS_MAX = 10.0


def begun_by(fault: Fault, folder: Path) -> Path | None:
    """What the first instance runs, if not this version; a clone without history is told of, and no failure."""
    try:
        return older_source(folder) if fault.begins_older else None
    except NoOlderVersion as missing:
        warnings.warn(OnlyOneVersion(str(missing)), stacklevel=2)
        return None


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    fault: Fault = request.node.callspec.params["fault"]
    world = World(fault.kinds[0], "valkey", tmp_path)
    try:
        world.start(begun_by(fault, tmp_path))
        yield world
    finally:
        world.close()
    assert not world.errors()


@pytest.mark.filterwarnings("default::tests.faults.older.OnlyOneVersion")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.slug)
async def test_a_fault_costs_nobody_a_party_or_a_seat_and_says_nothing_untrue(fault: Fault, world: World) -> None:
    story = History()
    async with Evening(world, story, SHORT, seed=1) as evening:
        await evening.until_nothing_is_new()
        await fault.strike(world, story, evening.parties[0].code, fault.short_seconds)
        await evening.until_all_is_back()
        await evening.rest()
    (report,) = reports(story)
    sys.stdout.write(f"{table([report])}\n")
    assert report.refused > 0 or not fault.is_felt
    assert report.breaches == [], "\n".join(map(str, report.breaches[:20]))
    assert (report.parties_lost, report.false_404s, report.seats_lost) == (0, 0, 0)
    assert report.told_twice == 0 or fault.forgets_newest
    assert report.first_success_seconds <= report.succession_seconds + FIRST_SUCCESS_SECONDS_MAX
    assert report.level_seconds <= report.succession_seconds + LEVEL_SECONDS_MAX
