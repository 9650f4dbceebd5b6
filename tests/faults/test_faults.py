"""Inject every fault briefly into a small scenario: no answer is false, and all clients are in sync again."""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.history import History
from tests.faults.older import NoOlderVersionError, OnlyOneVersion, older_source
from tests.faults.report import reports, table
from tests.faults.scenario import SHORT, Scenario
from tests.faults.world import World

# From when the store itself is back, a primary's place taken by another where it has to be. An instance that went on
# writing to a master that an operator has replaced would need twelve.
FIRST_SUCCESS_SECONDS_MAX = 5.0
LEVEL_SECONDS_MAX = 10.0


def begun_by(fault: Fault, folder: Path) -> Path | None:
    """Return the older source for the first instance. A clone without history gives a warning, not a failure."""
    try:
        return older_source(folder) if fault.begins_older else None
    except NoOlderVersionError as missing:
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
async def test_fault_costs_no_party_no_seat_and_no_false_answer(fault: Fault, world: World) -> None:
    history = History()
    async with Scenario(world, history, SHORT, seed=1) as scenario:
        await scenario.until_nothing_is_new()
        await fault.strike(world, history, scenario.parties[0].code, fault.short_seconds)
        await scenario.until_all_is_back()
        await scenario.rest()
    (report,) = reports(history)
    sys.stdout.write(f"{table([report])}\n")
    assert report.refused > 0 or not fault.is_felt
    assert report.breaches == [], "\n".join(map(str, report.breaches[:20]))
    assert (report.parties_lost, report.false_404s, report.seats_lost) == (0, 0, 0)
    assert report.conflicting_events == 0 or fault.forgets_newest
    assert report.first_success_seconds <= report.succession_seconds + FIRST_SUCCESS_SECONDS_MAX
    assert report.sync_seconds <= report.succession_seconds + LEVEL_SECONDS_MAX
