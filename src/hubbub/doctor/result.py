"""What a check returns, and what the doctor reports."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

OPTIONAL_RIGHTS: Final = "ACL SETUSER … +info +config|get lets the doctor see it."
NEEDED_RIGHTS: Final = 'Give the user what docs/redis.md lists under "Rights".'
NOT_TRIED: Final = "not tried, since no write is taken"


class Severity(StrEnum):
    """How bad a finding is.

    With a problem, Hubbub breaks its promises. A warning may become a problem. A note informs.
    """

    OK = "ok"
    NOTE = "note"
    NOT_PERMITTED = "not permitted"
    WARNING = "warning"
    PROBLEM = "problem"


class CheckResult(NamedTuple):
    """The severity, what the check observed, and advice if the operator can act."""

    severity: Severity
    observed: str
    advice: str = ""


class Finding(msgspec.Struct, frozen=True, rename={"severity": "verdict", "observed": "seen"}):
    """The result of one check of one server, as the log and `hubbub doctor --json` have it."""

    server: str
    check: str
    severity: Severity
    observed: str
    advice: str = ""


def summary(findings: Sequence[Finding]) -> str:
    """Count the findings by severity, such as "12 checks: 10 ok, 2 warnings"."""
    counts = Counter(finding.severity for finding in findings)
    parts = [_counted(counts[severity], severity) for severity in Severity if counts[severity]]
    return f"{_counted(len(findings), 'check')}: {', '.join(parts)}"


def _counted(count: int, what: str) -> str:
    countable = what not in {Severity.OK, Severity.NOT_PERMITTED}
    return f"{count} {what}{'s' if countable and count != 1 else ''}"
