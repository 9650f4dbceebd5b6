"""What a check comes to."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How it is. With a problem Hubbub does not keep its promises; a warning may become one; a note informs."""

    OK = "ok"
    NOTE = "note"
    NOT_PERMITTED = "not permitted"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True, rename={"severity": "verdict", "observed": "seen"}):
    """One check of one server: what was seen, and what to do where something is to be done."""

    server: str
    check: str
    severity: Severity
    observed: str
    advice: str = ""


def summary(findings: Sequence[Finding]) -> str:
    """How many checks came to what, such as "12 checks: 10 ok, 2 warnings"."""
    counts = Counter(finding.severity for finding in findings)
    parts = [_counted(counts[severity], severity) for severity in Severity if counts[severity]]
    return f"{_counted(len(findings), 'check')}: {', '.join(parts)}"


def _counted(count: int, what: str) -> str:
    countable = what not in {Severity.OK, Severity.NOT_PERMITTED}
    return f"{count} {what}{'s' if countable and count != 1 else ''}"
