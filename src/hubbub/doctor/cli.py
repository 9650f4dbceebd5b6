"""`hubbub doctor`: check the configured store and print a report."""

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
from hubbub.loop import now
from hubbub.store.client.address import StoreAddress
from hubbub.store.client.connect import open_store, socket_pool
from hubbub.store.engine.embedded import EmbeddedEngine
from hubbub.store.health import StoreHealth

_CLIENT_NAME: Final = "hubbub-doctor"
_COLOURS: Final = {Severity.OK: "green", Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.PROBLEM: "red"}


async def run_doctor(settings: Settings) -> tuple[Finding, ...]:
    """Check the store of these settings; raise `EngineUnavailableError` or `EngineStartError`."""
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
        servers = await servers_of(connections, now() + STORE_BUDGET_SECONDS)
        return await diagnose(servers, settings.redis_min_replicas)
    finally:
        await connections.aclose()


@asynccontextmanager
async def _private_engine(folder: Path) -> AsyncIterator[EmbeddedEngine]:
    """Use the running engine of that folder, or run one for the length of the block."""
    engine = EmbeddedEngine(folder, lambda _: None)
    supervising = asyncio.create_task(engine.supervise(), name="engine supervisor")
    try:
        await engine.wait_until_ready(ENGINE_START_SECONDS_MAX)
        yield engine
    finally:
        supervising.cancel()
        await asyncio.wait([supervising])
        engine.close()


def as_document(findings: Sequence[Finding]) -> str:
    """Encode the findings as JSON."""
    return msgspec.json.format(msgspec.json.encode(findings)).decode()


def unreachable_sentence(findings: Sequence[Finding]) -> str | None:
    """Return one sentence if the only server does not answer; else None."""
    if len(findings) > 1 or findings[0].check != NO_ANSWER:
        return None
    (finding,) = findings
    return f"{finding.server} {finding.observed}: {finding.advice[0].lower()}{finding.advice[1:]}"


def as_report(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line per check, with the advice below it, and a summary at the end."""
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
