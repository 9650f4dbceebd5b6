"""Inspect and check every server: for `hubbub doctor`, and at the start of an instance.

`facts` inspects a server, `checks` rates the facts. A server that does not answer is a finding too.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from hubbub.core.limits import DOCTOR_RETRY_SECONDS, DOCTOR_ROUND_TRIPS, DOCTOR_ROUND_TRIPS_AT_START
from hubbub.doctor.checks import run_checks
from hubbub.doctor.facts import Facts, Server, inspect
from hubbub.doctor.result import Finding, Severity, summary
from hubbub.store.port import StoreFailure, StoreUnavailableError

__all__ = ["NO_ANSWER", "Finding", "Server", "Severity", "check_at_start", "diagnose", "summary"]

NO_ANSWER: Final = "answer"
"""The name of the check that fails if a server does not answer."""
_REMEDIES: Final = {
    StoreFailure.NOT_PERMITTED: "Check the user and the password in REDIS_URL or REDIS_PASSWORD.",
    StoreFailure.TIMEOUT: "The server is frozen or overloaded, or the network drops packets.",
}
_REMEDY: Final = "Check the address, the firewall and, for rediss://, the certificates."
_LEVELS: Final = {Severity.PROBLEM: logging.ERROR, Severity.WARNING: logging.WARNING}


async def diagnose(servers: Sequence[Server], replicas_wanted: int) -> tuple[Finding, ...]:
    """Check every server and close its pool; `replicas_wanted` is `REDIS_MIN_REPLICAS`."""
    findings: list[Finding] = []
    for server in servers:
        try:
            findings += run_checks(await inspect(server, DOCTOR_ROUND_TRIPS), replicas_wanted)
        except StoreUnavailableError as unavailable:
            findings.append(_no_answer(server, unavailable))
    return tuple(findings)


async def check_at_start(servers: Sequence[Server], replicas_wanted: int, log: FilteringBoundLogger) -> None:
    """Check every server once it answers, log each finding that is not ok, and close the pools."""
    try:
        findings = [
            finding for server in servers for finding in run_checks(await _once_it_answers(server), replicas_wanted)
        ]
    except Exception:
        log.exception("doctor failed")
        return
    for finding in findings:
        if finding.severity is not Severity.OK:
            log.log(_LEVELS.get(finding.severity, logging.INFO), "doctor", **msgspec.to_builtins(finding))
    log.info("doctor", summary=summary(findings))


async def _once_it_answers(server: Server) -> Facts:
    """Inspect a server as soon as it accepts us and has loaded its data."""
    while True:
        # The store monitor already logs that the server is unreachable.
        with suppress(StoreUnavailableError):
            facts = await inspect(server, DOCTOR_ROUND_TRIPS_AT_START)
            if facts.refusal is None or facts.refusal.failure is not StoreFailure.LOADING:
                return facts
        await asyncio.sleep(DOCTOR_RETRY_SECONDS)


def _no_answer(server: Server, unavailable: StoreUnavailableError) -> Finding:
    what = "does not let us in" if unavailable.failure is StoreFailure.NOT_PERMITTED else "does not answer"
    return Finding(
        server.name,
        NO_ANSWER,
        Severity.PROBLEM,
        f"{what} ({unavailable.failure}: {unavailable.detail.rstrip('.')})",
        _REMEDIES.get(unavailable.failure, _REMEDY),
    )
