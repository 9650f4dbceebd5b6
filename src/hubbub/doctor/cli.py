"""`hubbub doctor`: the store as it is configured, looked at by the doctor, and the report for a person."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Final

import click
import msgspec

from hubbub.config import Settings
from hubbub.core.limits import ENGINE_START_SECONDS_MAX, STORE_BUDGET_SECONDS
from hubbub.doctor.facts import servers_of
from hubbub.doctor.run import NO_ANSWER, Finding, Server, Severity, diagnose, summary
from hubbub.store.client.address import StoreAddress
from hubbub.store.client.connect import open_store, socket_pool
from hubbub.store.engine.embedded import EmbeddedEngine
from hubbub.store.health import StoreHealth

_CLIENT_NAME: Final = "hubbub-doctor"
_COLOURS: Final = {Severity.OK: "green", Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.PROBLEM: "red"}


async def run_doctor(settings: Settings) -> tuple[Finding, ...]:
    """Check the store of these settings; raises `EngineUnavailableError` or `EngineStartError`."""
    address = settings.store_address
    if address is not None:
        return await _run_doctor_shared(address, settings)
    async with _private_engine(settings.hubbub_data_dir) as engine:
        pool = socket_pool(engine.socket_path, _CLIENT_NAME)
        name = f"the private engine in {settings.hubbub_data_dir}"
        return await diagnose([Server(name, pool)], settings.redis_min_replicas)


async def _run_doctor_shared(address: StoreAddress, settings: Settings) -> tuple[Finding, ...]:
    connections = open_store(address, settings.store_tls, _CLIENT_NAME, StoreHealth())
    try:
        servers = await servers_of(connections, asyncio.get_running_loop().time() + STORE_BUDGET_SECONDS)
        return await diagnose(servers, settings.redis_min_replicas)
    finally:
        await connections.aclose()


@asynccontextmanager
async def _private_engine(folder: Path) -> AsyncIterator[EmbeddedEngine]:
    """The engine of that folder: the one that runs, or one for the length of the block."""
    engine = EmbeddedEngine(folder, lambda _: None)
    supervising = asyncio.create_task(engine.supervise(), name="engine guard")
    try:
        await engine.wait_until_ready(ENGINE_START_SECONDS_MAX)
        yield engine
    finally:
        supervising.cancel()
        await asyncio.wait([supervising])
        engine.close()


def as_document(findings: Sequence[Finding]) -> str:
    """The findings as JSON."""
    return msgspec.json.format(msgspec.json.encode(findings)).decode()


def unreachable_sentence(findings: Sequence[Finding]) -> str | None:
    """One sentence where the one server there is does not answer, so that there is nothing to report."""
    if len(findings) > 1 or findings[0].check != NO_ANSWER:
        return None
    (finding,) = findings
    return f"{finding.server} {finding.observed}: {finding.advice[0].lower()}{finding.advice[1:]}"


def as_report(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings as lines: a line a check, below it what to do; at the end how many came to what."""
    severity_width = max(len(finding.severity) for finding in findings)
    check_width = max(len(finding.check) for finding in findings)
    for server, found in groupby(findings, lambda finding: finding.server):
        yield click.style(server, bold=True)
        for finding in found:
            severity = click.style(finding.severity.ljust(severity_width), fg=_COLOURS.get(finding.severity))
            yield f"  {severity}  {finding.check.ljust(check_width)}  {finding.observed}"
            if finding.advice:
                yield f"  {' ' * severity_width}  {' ' * check_width}  → {finding.advice}"
    yield f"{summary(findings)}."
