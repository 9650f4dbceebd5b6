"""What a check returns, and the words that several checks share."""

from typing import Final, NamedTuple

from hubbub.doctor.findings import Severity

OPTIONAL_RIGHTS: Final = "ACL SETUSER … +info +config|get lets the doctor see it."
NEEDED_RIGHTS: Final = 'Give the user what docs/redis.md lists under "Rights".'
NOT_TRIED: Final = "not tried, since no write is taken"


class CheckResult(NamedTuple):
    """A verdict, what was seen, and what to do where something is to be done."""

    severity: Severity
    observed: str
    advice: str = ""
