"""Every fault as a verb: what it does to a world, and what may be excused by it."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.faults import history as h
from tests.faults.world import Kind, World, aside, is_ready
from tests.support.instances import Instance
from tests.support.proxy import Way
from tests.support.stores import ServerProcess, wait_for

CODE_ANYWHERE = "BCDFGH"
MB = 1024 * 1024


class Strike:
    """One time that a fault strikes a world; `over` says that its cause is gone, which its end says otherwise."""

    def __init__(self, world: World, story: h.History, seconds: float) -> None:
        self.world = world
        self.seconds = seconds
        self._story = story
        self._is_over = False

    def over(self) -> None:
        """From now on everything should come back."""
        if not self._is_over:
            self._is_over = True
            self._story.add(h.Over(h.now()))


class Fault(NamedTuple):
    """A fault: how long it lasts, in short and in long runs, and what `Struck` says of it."""

    name: str
    act: Callable[[Strike], Awaitable[None]]
    short_seconds: float = 2.0
    long_seconds: float = 10.0
    kind: Kind = "single"
    fsync: str = "everysec"
    heals_itself: bool = False
    forgets_newest: bool = False
    forgets: bool = False

    @property
    def slug(self) -> str:
        """Its name as part of a test's name."""
        return "_".join(re.findall(r"\w+", self.name))

    async def strike(self, world: World, story: h.History, seconds: float) -> None:
        """Do it to the world, and write down when it began and when its cause was gone."""
        story.add(h.Struck(h.now(), self.name, self.heals_itself, self.forgets_newest, self.forgets))
        strike = Strike(world, story, seconds)
        await self.act(strike)
        strike.over()


async def kill_the_store(strike: Strike) -> None:
    """The one server is killed, and started again with its data."""
    server = strike.world.single.server
    await aside(server.kill)
    await asyncio.sleep(strike.seconds)
    await aside(server.start)


async def freeze_the_store(strike: Strike) -> None:
    """The server that has the say stops in its tracks, and goes on."""
    server = strike.world.topology.primary_of(CODE_ANYWHERE)
    server.freeze()
    await asyncio.sleep(strike.seconds)
    server.thaw()


async def flush_the_store(strike: Strike) -> None:
    """Somebody types `FLUSHALL`."""
    for server in strike.world.topology.primaries():
        await aside(partial(server.command, "FLUSHALL"))


async def restart_the_store_empty(strike: Strike) -> None:
    """The server comes back without its disk."""
    server = strike.world.single.server
    await aside(server.kill)
    _empty(server.folder)
    await asyncio.sleep(strike.seconds)
    await aside(server.start)


async def restart_the_store_from_an_old_snapshot(strike: Strike) -> None:
    """The server comes back with what it knew a while ago."""
    server = strike.world.single.server
    await aside(server.admin.save)
    old = (server.folder / "dump.rdb").read_bytes()
    await asyncio.sleep(strike.seconds)
    await aside(server.kill)
    _empty(server.folder)
    (server.folder / "dump.rdb").write_bytes(old)
    # With the append-only file on, a server reads nothing else.
    await aside(lambda: server.start("--appendonly", "no"))


async def kill_all_subscribers(strike: Strike) -> None:
    """Every subscription is cut at the server."""
    for server in strike.world.topology.primaries():
        await aside(partial(server.command, "CLIENT", "KILL", "TYPE", "pubsub"))


async def overrun_subscribers(strike: Strike) -> None:
    """An instance reads its events so slowly that the server cuts it off."""
    server, link = strike.world.single.server, strike.world.links[0]
    await aside(lambda: server.admin.config_set("client-output-buffer-limit", "pubsub 4kb 1kb 1"))
    link.freeze(Way.BACK)
    await aside(lambda: wait_for(lambda: _flood(server), 20))
    link.mend()
    strike.over()
    await aside(lambda: server.admin.config_set("client-output-buffer-limit", "pubsub 32mb 8mb 60"))


async def fill_the_memory(strike: Strike) -> None:
    """The server has no memory left for a while."""
    server = strike.world.single.server
    await aside(lambda: server.admin.config_set("maxmemory", 1 * MB))
    await asyncio.sleep(strike.seconds)
    await aside(lambda: server.admin.config_set("maxmemory", 0))


async def flush_the_scripts(strike: Strike) -> None:
    """Somebody types `SCRIPT FLUSH`."""
    for server in strike.world.topology.primaries():
        await aside(partial(server.command, "SCRIPT", "FLUSH"))


async def lose_one_direction(strike: Strike) -> None:
    """What the store sends no longer reaches one instance, all connections open."""
    link = strike.world.links[0]
    link.drop(Way.BACK)
    await asyncio.sleep(strike.seconds)
    link.mend()


async def deafen_an_instance(strike: Strike) -> None:
    """The subscription of one instance loses everything, its connection open."""
    strike.world.links[0].deafen()


async def kill_an_instance(strike: Strike) -> None:
    """An instance is killed, and started again at its port."""
    instance = strike.world.instances[0]
    await aside(instance.kill)
    await asyncio.sleep(strike.seconds)
    await aside(instance.start)


async def freeze_an_instance(strike: Strike) -> None:
    """An instance stops in its tracks until its leases have run out, its sockets open, and goes on."""
    instance = strike.world.instances[0]
    instance.freeze()
    await asyncio.sleep(strike.seconds)
    instance.thaw()


async def restart_all_instances(strike: Strike) -> None:
    """One instance after the other is ended politely, and started again at its port."""
    for instance in strike.world.instances:
        await aside(partial(_restart, instance))


async def do_nothing(strike: Strike) -> None:
    """Nothing breaks: what an evening without a fault costs."""
    await asyncio.sleep(strike.seconds)


def _restart(instance: Instance) -> None:
    assert instance.terminate() == 0
    instance.start()
    wait_for(lambda: is_ready(instance))


def _empty(folder: Path) -> None:
    """Remove all that a server has written."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix == ".rdb":
            path.unlink()


def _flood(server: ServerProcess) -> bool:
    """Publish much to every instance's probe; whether the server has cut somebody off."""
    channels = server.command("PUBSUB", "SHARDCHANNELS", "hubbub:*")
    for channel in channels:
        server.command("SPUBLISH", channel, "x" * 64 * 1024)
    return int(server.admin.info("stats").get("client_output_buffer_limit_disconnections", 0)) > 0


FAULTS = (
    Fault("no fault at all", do_nothing, heals_itself=True),
    Fault("store killed, appendfsync always", kill_the_store, fsync="always"),
    Fault("store killed, appendfsync everysec", kill_the_store, forgets_newest=True),
    Fault("store frozen briefly", freeze_the_store, 3.0, 3.0),
    Fault("store frozen for long", freeze_the_store, 6.0, 30.0),
    Fault("FLUSHALL", flush_the_store, forgets_newest=True, forgets=True),
    Fault("store restarted empty", restart_the_store_empty, forgets_newest=True, forgets=True),
    Fault(
        "store restarted from an old snapshot",
        restart_the_store_from_an_old_snapshot,
        3.0,
        20.0,
        forgets_newest=True,
        forgets=True,
    ),
    Fault("CLIENT KILL of all subscribers", kill_all_subscribers, heals_itself=True),
    Fault("subscriber's output buffer overrun", overrun_subscribers),
    Fault("out of memory", fill_the_memory),
    Fault("SCRIPT FLUSH", flush_the_scripts, heals_itself=True),
    Fault("network loses one direction", lose_one_direction, 4.0),
    Fault("an instance's subscription goes deaf", deafen_an_instance, heals_itself=True),
    Fault("instance killed", kill_an_instance, 4.0),
    Fault("instance frozen and thawed", freeze_an_instance, 6.0, 20.0),
    Fault("rolling restart of all instances", restart_all_instances),
)
