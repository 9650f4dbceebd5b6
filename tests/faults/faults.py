"""Every fault as a verb: what it does to a world, and what may be excused by it."""

import asyncio
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.faults import history as h
from tests.faults.world import Kind, World, aside, is_ready
from tests.support.instances import Instance
from tests.support.proxy import Way
from tests.support.stores import ServerProcess, wait_for

MEMORY_BYTES = 1024 * 1024
STEP_SECONDS = 0.05
FLOOD_BYTES = 512 * 1024
FLOOD_SECONDS_MAX = 40.0


ANYWHERE: tuple[Kind, ...] = ("single", "sentinel", "cluster")


class Strike:
    """One time that a fault strikes a world, and in it the store server of one live party.

    `over` says that its cause is gone, which its end says otherwise.
    """

    def __init__(self, world: World, history: h.History, code: str, seconds: float) -> None:
        self.world = world
        self.code = code
        self.seconds = seconds
        self._history = history
        self._is_over = False

    def over(self) -> None:
        """Record that the cause of the fault is gone."""
        if not self._is_over:
            self._is_over = True
            self._history.add(h.FaultEnded(h.now()))

    def failed_over(self) -> None:
        """Record that another primary was named."""
        self._history.add(h.FailedOver(h.now()))


class Fault(NamedTuple):
    """A fault: how long it lasts, in short and in long runs, and what `FaultStarted` says of it.

    `is_felt`: callers are refused for a while, or the fault did not take effect.
    """

    name: str
    act: Callable[[Strike], Awaitable[None]]
    short_seconds: float = 2.0
    long_seconds: float = 10.0
    kinds: tuple[Kind, ...] = ("single",)
    ends_itself: bool = False
    forgets_newest: bool = False
    forgets: bool = False
    ends_instances: bool = False
    begins_older: bool = False
    is_felt: bool = False

    @property
    def slug(self) -> str:
        """Its name as part of a test's name."""
        return "_".join(re.findall(r"\w+", self.name))

    async def strike(self, world: World, history: h.History, code: str, seconds: float) -> None:
        """Inject the fault where that party lives; record when it began and when its cause was gone."""
        properties = (self.name, self.ends_itself, self.forgets_newest, self.forgets, self.ends_instances)
        history.add(h.FaultStarted(h.now(), *properties))
        strike = Strike(world, history, code, seconds)
        await self.act(strike)
        strike.over()


async def kill_the_store(strike: Strike, fsync: str) -> None:
    """The one server is killed, and started again with its data; `everysec` may have held back the latest of it."""
    server = strike.world.single.server
    await aside(lambda: server.admin.config_set("appendfsync", fsync))
    await aside(server.kill)
    await asyncio.sleep(strike.seconds)
    await aside(server.start)


async def freeze_the_store(strike: Strike) -> None:
    """Freeze the primary, then let it continue."""
    server = strike.world.topology.primary_of(strike.code)
    server.freeze()
    await asyncio.sleep(strike.seconds)
    server.thaw()


async def flush_the_store(strike: Strike) -> None:
    """Run `FLUSHALL` on every primary."""
    for server in strike.world.topology.primaries():
        await aside(partial(server.command, "FLUSHALL"))


async def restart_the_store_empty(strike: Strike) -> None:
    """Restart the server without its data."""
    server = strike.world.single.server
    await aside(server.kill)
    _empty(server.folder)
    await asyncio.sleep(strike.seconds)
    await aside(server.start)


async def restart_the_store_from_an_old_snapshot(strike: Strike) -> None:
    """Restart the server with an older snapshot."""
    server = strike.world.single.server
    await aside(server.admin.save)
    old = (server.folder / "dump.rdb").read_bytes()
    await asyncio.sleep(strike.seconds)
    await aside(server.kill)
    _empty(server.folder)
    (server.folder / "dump.rdb").write_bytes(old)
    # With the append-only file on, a server reads nothing else.
    await aside(lambda: server.start("--appendonly", "no"))
    await aside(lambda: server.admin.config_set("appendonly", "yes"))


async def kill_all_subscribers(strike: Strike) -> None:
    """Cut every subscription at the server."""
    for server in strike.world.topology.primaries():
        await aside(partial(server.command, "CLIENT", "KILL", "TYPE", "pubsub"))


async def overrun_subscribers(strike: Strike) -> None:
    """Keep an instance from reading its events until the server cuts it off."""
    server, link = strike.world.single.server, strike.world.links[0]
    await aside(lambda: server.admin.config_set("client-output-buffer-limit", "pubsub 1mb 512kb 10"))
    subscribers = await aside(partial(_subscribers, server))
    link.freeze(Way.BACK)
    await aside(lambda: wait_for(lambda: _flood(server) and not subscribers <= _subscribers(server), FLOOD_SECONDS_MAX))
    link.mend()
    strike.over()
    await aside(lambda: server.admin.config_set("client-output-buffer-limit", "pubsub 32mb 8mb 60"))


async def fill_the_memory(strike: Strike) -> None:
    """Leave the server without free memory for a while."""
    server = strike.world.single.server
    await aside(lambda: server.admin.config_set("maxmemory", MEMORY_BYTES))
    await asyncio.sleep(strike.seconds)
    await aside(lambda: server.admin.config_set("maxmemory", 0))


async def flush_the_scripts(strike: Strike) -> None:
    """Run `SCRIPT FLUSH` on every primary."""
    for server in strike.world.topology.primaries():
        await aside(partial(server.command, "SCRIPT", "FLUSH"))


async def lose_one_direction(strike: Strike) -> None:
    """Drop what the store sends to one instance, and keep all connections open."""
    link = strike.world.links[0]
    link.drop(Way.BACK)
    await asyncio.sleep(strike.seconds)
    link.mend()


async def lose_one_direction_and_subscriptions(strike: Strike) -> None:
    """Do the same, and cut the subscription: new connections are accepted, and never answered."""
    link = strike.world.links[0]
    link.drop(Way.BACK)
    await aside(partial(strike.world.single.server.command, "CLIENT", "KILL", "TYPE", "pubsub"))
    await asyncio.sleep(strike.seconds)
    link.mend()


async def stall_a_subscription(strike: Strike) -> None:
    """Drop everything on the subscription of one instance, and keep its connection open."""
    strike.world.links[0].stall_subscriptions()


async def kill_an_instance(strike: Strike) -> None:
    """Kill an instance, and start it again at its port."""
    instance = strike.world.instances[0]
    await aside(instance.kill)
    await asyncio.sleep(strike.seconds)
    await aside(instance.start)


async def freeze_an_instance(strike: Strike) -> None:
    """Freeze an instance until its leases have expired, its sockets open, then let it continue."""
    instance = strike.world.instances[0]
    instance.freeze()
    await asyncio.sleep(strike.seconds)
    instance.thaw()


async def restart_all_instances(strike: Strike) -> None:
    """Terminate one instance after the other, and start each again at its port."""
    for instance in strike.world.instances:
        await aside(partial(_restart, instance))


async def upgrade_an_instance(strike: Strike) -> None:
    """One instance runs the version before this one beside the others, and is then restarted as this one."""
    instance = strike.world.instances[0]
    await asyncio.sleep(strike.seconds)
    instance.change(PYTHONPATH="")
    await aside(partial(_restart, instance))


async def kill_the_master(strike: Strike) -> None:
    """Sentinels replace a master that was killed; it comes back as a replica."""
    sentinel = strike.world.sentinel
    master = sentinel.primary()
    await aside(master.kill)
    await _succeeded(strike, partial(sentinel.wait_for_another_primary, master), master.start)
    await aside(sentinel.wait_until_whole)


async def freeze_the_master(strike: Strike) -> None:
    """Sentinels replace a master that stopped in its tracks; it goes on and learns that it is a replica."""
    sentinel = strike.world.sentinel
    master = sentinel.primary()
    master.freeze()
    await _succeeded(strike, partial(sentinel.wait_for_another_primary, master), master.thaw)
    await aside(sentinel.wait_until_whole)


async def fail_over_by_sentinel(strike: Strike) -> None:
    """An operator has Sentinel replace a master that is well."""
    sentinel = strike.world.sentinel
    master = sentinel.primary()
    await aside(sentinel.failover)
    await _succeeded(strike, partial(sentinel.wait_for_another_primary, master))
    await aside(sentinel.wait_until_whole)


async def kill_a_shard(strike: Strike) -> None:
    """The master of a shard is killed and its replica takes over; it comes back as a replica."""
    cluster = strike.world.cluster
    master = cluster.primary_of(strike.code)
    await aside(master.kill)
    await _succeeded(strike, partial(cluster.wait_for_another_primary, master, strike.code), master.start)
    await aside(cluster.wait_until_whole)


async def fail_over_a_shard(strike: Strike) -> None:
    """An operator has the replica of a shard take over from a master that is well."""
    cluster = strike.world.cluster
    await aside(partial(cluster.failover, cluster.primary_of(strike.code)))
    strike.over()
    await aside(cluster.wait_until_whole)


async def migrate_a_slot(strike: Strike) -> None:
    """The slot of a live party moves to another master, slowly enough to be met on the way."""
    await aside(partial(strike.world.cluster.move_slot, strike.code, partial(time.sleep, STEP_SECONDS)))
    strike.over()
    await aside(strike.world.cluster.wait_until_whole)


async def do_nothing(strike: Strike) -> None:
    """Inject nothing, to measure a scenario without a fault."""
    await asyncio.sleep(strike.seconds)


def _restart(instance: Instance) -> None:
    assert instance.terminate() == 0
    instance.start()
    wait_for(lambda: is_ready(instance))


async def _succeeded(
    strike: Strike, wait_for_another: Callable[[], object], come_back: Callable[[], object] = lambda: None
) -> None:
    """A master is gone: from now on all should come back, another one is named, and it returns as a replica."""
    strike.over()
    await aside(wait_for_another)
    strike.failed_over()
    await aside(come_back)


def _empty(folder: Path) -> None:
    """Remove all that a server has written."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix == ".rdb":
            path.unlink()


def _subscribers(server: ServerProcess) -> set[str]:
    """Return the connections that hear events."""
    return set(re.findall(r"\bid=(\d+)", str(server.command("CLIENT", "LIST", "TYPE", "pubsub"))))


def _flood(server: ServerProcess) -> int:
    """Publish much on every instance's probe channel. Return the number of receivers."""
    channels = server.command("PUBSUB", "SHARDCHANNELS", "hubbub:*")
    return sum(int(server.command("SPUBLISH", channel, "x" * FLOOD_BYTES)) for channel in channels)


FAULTS = (
    Fault("no fault at all", do_nothing, ends_itself=True, kinds=ANYWHERE),
    Fault("store killed, appendfsync always", partial(kill_the_store, fsync="always"), is_felt=True),
    Fault("store killed, appendfsync everysec", partial(kill_the_store, fsync="everysec"), is_felt=True),
    Fault("store frozen briefly", freeze_the_store, 3.0, 3.0, is_felt=True),
    Fault("store frozen for long", freeze_the_store, 6.0, 30.0, is_felt=True),
    Fault("FLUSHALL", flush_the_store, forgets=True, kinds=ANYWHERE),
    Fault("store restarted empty", restart_the_store_empty, forgets=True, is_felt=True),
    Fault("store restarted from an old snapshot", restart_the_store_from_an_old_snapshot, 3.0, 20.0, forgets=True),
    Fault("CLIENT KILL of all subscribers", kill_all_subscribers, ends_itself=True, kinds=ANYWHERE),
    Fault("subscriber's output buffer overrun", overrun_subscribers),
    Fault("out of memory", fill_the_memory, is_felt=True),
    Fault("SCRIPT FLUSH", flush_the_scripts, ends_itself=True, kinds=ANYWHERE),
    Fault("network loses one direction", lose_one_direction, 4.0, is_felt=True),
    Fault("network loses one direction, subscriptions cut", lose_one_direction_and_subscriptions, 4.0, is_felt=True),
    Fault("an instance's subscription stalls", stall_a_subscription, ends_itself=True),
    Fault("instance killed", kill_an_instance, 4.0, kinds=ANYWHERE, ends_instances=True, is_felt=True),
    Fault("instance frozen and thawed", freeze_an_instance, 6.0, 20.0, kinds=ANYWHERE),
    Fault("rolling restart of all instances", restart_all_instances, kinds=ANYWHERE, ends_instances=True, is_felt=True),
    Fault(
        "two adjacent versions, then an upgrade", upgrade_an_instance, 3.0, 20.0, begins_older=True, ends_instances=True
    ),
    Fault(
        "master killed under Sentinel",
        kill_the_master,
        kinds=("sentinel",),
        ends_itself=True,
        forgets_newest=True,
        is_felt=True,
    ),
    Fault(
        "master frozen under Sentinel",
        freeze_the_master,
        kinds=("sentinel",),
        ends_itself=True,
        forgets_newest=True,
        is_felt=True,
    ),
    Fault(
        "failover by Sentinel",
        fail_over_by_sentinel,
        kinds=("sentinel",),
        ends_itself=True,
        forgets_newest=True,
    ),
    Fault(
        "Cluster shard's master killed",
        kill_a_shard,
        kinds=("cluster",),
        ends_itself=True,
        forgets_newest=True,
        is_felt=True,
    ),
    Fault("failover of a Cluster shard", fail_over_a_shard, kinds=("cluster",), ends_itself=True),
    Fault("slot migration", migrate_a_slot, kinds=("cluster",), ends_itself=True),
)
