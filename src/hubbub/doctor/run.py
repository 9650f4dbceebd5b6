"""Checks of a store and of how it is set up: facts in, findings out.

`store.inspection` finds the facts, `checks` and `access` judge them; here is who asks for it: an operator, or an
instance that starts. A server that does not answer is a finding too.
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
from hubbub.doctor.findings import Finding, Severity, summary
from hubbub.store.port import StoreFailure, StoreUnavailableError

__all__ = ["NO_ANSWER", "Finding", "Server", "Severity", "check_at_start", "diagnose", "summary"]

NO_ANSWER: Final = "answer"
"""The check of a server that could not be looked at."""
_REMEDIES: Final = {
    StoreFailure.NOT_PERMITTED: "Check the user and the password in REDIS_URL or REDIS_PASSWORD.",
    StoreFailure.TIMEOUT: "It is frozen or overloaded, or the network swallows packets.",
}
_REMEDY: Final = "Check the address, the firewall and, for rediss://, the certificates."
_LEVELS: Final = {Severity.PROBLEM: logging.ERROR, Severity.WARNING: logging.WARNING}


async def diagnose(servers: Sequence[Server], replicas_wanted: int) -> tuple[Finding, ...]:
    """Check every server; `replicas_wanted` is `REDIS_MIN_REPLICAS`. The pools are closed at the end."""
    findings: list[Finding] = []
    for server in servers:
        try:
            findings += run_checks(await inspect(server, DOCTOR_ROUND_TRIPS), replicas_wanted)
        except StoreUnavailableError as unavailable:
            findings.append(_no_answer(server, unavailable))
    return tuple(findings)


async def check_at_start(servers: Sequence[Server], replicas_wanted: int, log: FilteringBoundLogger) -> None:
    """Check every server once it answers, and log what is not well. The pools are closed at the end."""
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
    """The facts about a server, as soon as it lets us in and has read its data."""
    while True:
        # If it is away the log has it already, from whoever keeps an eye on the link.
        with suppress(StoreUnavailableError):
            facts = await inspect(server, DOCTOR_ROUND_TRIPS_AT_START)
            if facts.refusal is None or facts.refusal.trouble is not StoreFailure.LOADING:
                return facts
        await asyncio.sleep(DOCTOR_RETRY_SECONDS)


def _no_answer(server: Server, unavailable: StoreUnavailableError) -> Finding:
    what = "does not let us in" if unavailable.trouble is StoreFailure.NOT_PERMITTED else "does not answer"
    return Finding(
        server.name,
        NO_ANSWER,
        Severity.PROBLEM,
        f"{what} ({unavailable.trouble}: {unavailable.detail.rstrip('.')})",
        _REMEDIES.get(unavailable.trouble, _REMEDY),
    )
