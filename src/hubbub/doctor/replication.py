"""The check of replicas: whether there are as many as somebody waits for, and how far they are behind."""

from hubbub.core.limits import DOCTOR_REPLICA_LAG_WARNING_SECONDS
from hubbub.doctor.facts import Facts
from hubbub.doctor.findings import Severity
from hubbub.doctor.result import NEEDED_RIGHTS, OPTIONAL_RIGHTS, CheckResult


def replicas(facts: Facts, wanted: int) -> CheckResult:
    """Judge the replicas; `wanted` is `REDIS_MIN_REPLICAS`."""
    lags = _lags(facts)
    there = facts.replicas if lags is None else len(lags)
    if there is None:
        severity = Severity.PROBLEM if wanted else Severity.NOTE
        return CheckResult(
            severity, "not counted: a replica has none of its own, or WAIT may not be run", NEEDED_RIGHTS
        )
    # What the server itself waits for, beside what Hubbub does.
    needed = (facts.config or {}).get("min-replicas-to-write")
    behind = max(lags or [0])
    seen = _seen(there, behind, needed)
    return (
        _too_few(seen, there, wanted, int(needed or 0))
        or (_weak(seen, behind, needed) if there else None)
        or CheckResult(Severity.OK, seen)
    )


def _seen(there: int, behind: int, needed: str | None) -> str:
    if not there:
        return "none"
    lag = f", at most {behind} s behind" if behind else ""
    return f"{there}{lag}; min-replicas-to-write {needed or 'may not be seen'}"


def _too_few(seen: str, there: int, wanted: int, needed: int) -> CheckResult | None:
    if wanted > there:
        advice = "Creates fail: attach replicas, or lower REDIS_MIN_REPLICAS."
        return CheckResult(Severity.PROBLEM, f"{seen}, and REDIS_MIN_REPLICAS is {wanted}", advice)
    if needed > there:
        advice = "Every write is refused: attach replicas, or lower min-replicas-to-write."
        return CheckResult(Severity.PROBLEM, f"{seen}, and min-replicas-to-write is {needed}", advice)
    return None


def _weak(seen: str, behind: int, needed: str | None) -> CheckResult | None:
    if behind > DOCTOR_REPLICA_LAG_WARNING_SECONDS:
        return CheckResult(
            Severity.WARNING, seen, "A failover would lose that much: look at the network and the replicas."
        )
    if needed is None:
        return CheckResult(Severity.NOT_PERMITTED, seen, OPTIONAL_RIGHTS)
    if needed == "0":
        advice = "min-replicas-to-write 1 bounds what a cut-off primary accepts and a failover then loses."
        return CheckResult(Severity.NOTE, seen, advice)
    return None


def _lags(facts: Facts) -> list[int] | None:
    """How many seconds ago each replica that is online was heard; None where it may not be seen."""
    if facts.info is None:
        return None
    count = int(facts.info.get("connected_slaves", 0))
    found = [facts.info.get(f"slave{number}", {}) for number in range(count)]
    return [int(replica.get("lag", 0)) for replica in found if replica.get("state") == "online"]
