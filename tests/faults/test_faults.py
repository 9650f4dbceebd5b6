"""Every fault, for a short time, under a small evening: nothing untrue is told, and everybody is level again."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.evening import SHORT, Evening
from tests.faults.faults import FAULTS, Fault
from tests.faults.history import History
from tests.faults.report import NEVER, reports, table
from tests.faults.world import World

FIRST_SUCCESS_SECONDS_MAX = {"rolling restart of all instances": 5.0}


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    fault: Fault = request.node.callspec.params["fault"]
    world = World(fault.kind, "valkey", tmp_path, fault.fsync)
    try:
        world.start()
        yield world
    finally:
        world.close()
    assert not world.errors()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.slug)
async def test_a_fault_costs_nobody_a_party_or_a_seat_and_says_nothing_untrue(fault: Fault, world: World) -> None:
    story = History()
    async with Evening(world, story, SHORT, seed=1) as evening:
        await fault.strike(world, story, fault.short_seconds)
        await evening.until_all_have_heard()
        await evening.rest()
    (report,) = reports(story)
    sys.stdout.write(f"{table([report])}\n")
    assert report.breaches == [], "\n".join(map(str, report.breaches[:20]))
    assert (report.parties_lost, report.false_404s, report.seats_lost) == (0, 0, 0)
    assert report.first_success_seconds < NEVER
    assert report.level_seconds < NEVER
