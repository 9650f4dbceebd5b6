"""`make soak`: faults at random under hundreds of parties for minutes, on both stores; prints what each of them cost.

Exits with status 1 when a promise was broken, 2 when the run could not start.
"""

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.servers import allow_many_connections

from tests.faults.faults import FAULTS, Fault
from tests.faults.history import History
from tests.faults.older import NoOlderVersionError, older_source
from tests.faults.report import Report, reports, table
from tests.faults.scenario import Scale, Scenario
from tests.faults.world import Kind, World
from tests.support.stores import FLAVOURS, Flavour

KINDS: tuple[Kind, ...] = ("single", "sentinel", "cluster")
BREATH_SECONDS = 2.0
BREACHES_TOLD = 200


class Plan(NamedTuple):
    """What a run was asked for."""

    flavours: Sequence[Flavour]
    kinds: Sequence[Kind]
    parties: int
    clients: int
    minutes: float
    seed: int

    def scale(self) -> Scale:
        """Return the pace of its scenarios: about that of people, and what two cores can carry."""
        guests = max(1, self.clients // self.parties - 1)
        return Scale(self.parties, guests, 4.0, 20.0, 0.2, 5.0, 60.0)


def main() -> None:
    """Run the soak that the command line asks for."""
    plan = _plan()
    allow_many_connections()
    _print(f"seed {plan.seed}: {plan.parties} parties, {plan.clients} clients, {plan.minutes:g} minutes a store")
    try:
        found = {(flavour, kind): _soak(plan, flavour, kind) for flavour in plan.flavours for kind in plan.kinds}
    except NoOlderVersionError as missing:
        _print(str(missing))
        sys.exit(2)
    for (flavour, kind), rows in found.items():
        _print(f"\n{flavour}, {kind}, seed {plan.seed}\n\n{table(rows)}")
    breaches = [breach for rows in found.values() for row in rows for breach in row.breaches]
    for breach in breaches[:BREACHES_TOLD]:
        _print(str(breach))
    _print(f"{len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


def _soak(plan: Plan, flavour: Flavour, kind: Kind) -> list[Report]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = World(kind, flavour, folder)
        try:
            # An upgrade can be tried once: afterwards all are of this version.
            world.start(older_source(folder) if kind == "single" else None)
            history = asyncio.run(_scenario(plan, world))
        finally:
            world.close()
        for error in world.errors():
            _print(f"An instance met an error that it did not expect:\n{error[-2000:]}")
    _print(f"judging {len(history.entries)} entries ...")
    return reports(history)


async def _scenario(plan: Plan, world: World) -> History:
    history = History()
    rng = random.Random(f"{plan.seed} {world.flavour} {world.kind}")
    ends_at = time.monotonic() + plan.minutes * 60 / len(plan.kinds)
    async with Scenario(world, history, plan.scale(), plan.seed) as scenario:
        _print(f"{world.flavour}, {world.kind}: everybody is in")
        for fault in _faults(world.kind, rng):
            await asyncio.sleep(BREATH_SECONDS)
            await scenario.until_nothing_is_new()
            await _strike(fault, world, scenario, rng)
            if time.monotonic() > ends_at:
                break
            scenario.go_on()
    return history


async def _strike(fault: Fault, world: World, scenario: Scenario, rng: random.Random) -> None:
    began_at = time.monotonic()
    await fault.strike(world, scenario.history, rng.choice(scenario.parties).code, fault.long_seconds)
    is_back = await scenario.until_all_is_back()
    await scenario.rest()
    verdict = "all level" if is_back and scenario.is_synced() else "NOT LEVEL"
    _print(f"{time.monotonic() - began_at:6.1f} s  {fault.name}: {verdict}")


def _faults(kind: Kind, rng: random.Random) -> Iterator[Fault]:
    """The faults of that kind of store in a random order, again and again; an upgrade is the first, and only once."""
    known = [fault for fault in FAULTS if kind in fault.kinds]
    yield from (fault for fault in known if fault.begins_older)
    while True:
        again = [fault for fault in known if not fault.begins_older]
        rng.shuffle(again)
        yield from again


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--store", choices=[*FLAVOURS, "both"], default="both")
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="all", help="one server, Sentinel or Cluster")
    parser.add_argument("--parties", type=int, default=200)
    parser.add_argument("--clients", type=int, default=2000, help="phones that stay, hosts included")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each store, all kinds together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    asked = parser.parse_args()
    flavours = FLAVOURS if asked.store == "both" else (asked.store,)
    kinds = KINDS if asked.kind == "all" else (asked.kind,)
    return Plan(flavours, kinds, asked.parties, asked.clients, asked.minutes, asked.seed)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
