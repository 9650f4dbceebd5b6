"""Who may do what to the store, and who may listen: checks of rights, privileges and encryption."""

import ipaddress
import time
from datetime import UTC, datetime
from typing import Final

from hubbub.core.limits import DOCTOR_CERTIFICATE_WARNING_DAYS
from hubbub.doctor.facts import Facts, Rights
from hubbub.doctor.findings import Severity
from hubbub.doctor.result import NOT_TRIED, CheckResult

_PATTERNS: Final = ("party:", "{party:", "hubbub:")
_OWN_USER: Final = 'Make a user of its own with a password; docs/redis.md, "Rights", has the one line.'
_DAY_SECONDS: Final = 86_400


def rights(facts: Facts) -> CheckResult:
    """Whether the user may do what the scripts and the feed do."""
    if facts.rights is None:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    missing = _missing(facts.rights)
    if not missing:
        return CheckResult(Severity.OK, f"{_user(facts.rights)} may do all that is needed")
    rule = " ".join(f"'{word}'" if word[0] in "~&" else word for word in missing)
    name = facts.rights.user or "…"
    return CheckResult(
        Severity.PROBLEM, f"{_user(facts.rights)} lacks {', '.join(missing)}", f"ACL SETUSER {name} {rule}"
    )


def privileges(facts: Facts) -> CheckResult:
    """Whether the user, or anybody, may do more than is needed."""
    connection, found = facts.connection, facts.rights
    if connection.peer is None:
        return CheckResult(Severity.OK, "a socket for this machine's user alone")
    if not connection.password:
        near = ipaddress.ip_address(connection.peer).is_loopback
        seen = f"no password is asked: whoever reaches {connection.peer} may read and delete every party"
        return CheckResult(Severity.NOTE if near else Severity.WARNING, seen, _OWN_USER)
    if found is None:
        return CheckResult(Severity.NOTE, NOT_TRIED)
    more = [*found.powers, *(["other keys and channels"] if found.can_touch_foreign_keys else [])]
    if more:
        return CheckResult(Severity.NOTE, f"{_user(found)} may do more than is needed: {', '.join(more)}", _OWN_USER)
    return CheckResult(Severity.OK, f"{_user(found)} was found to have no more than is needed")


def encryption(facts: Facts) -> CheckResult:
    """Whether somebody on the way could read along."""
    connection = facts.connection
    if connection.tls:
        return _certificate(connection.certificate_ends)
    if connection.peer is None:
        return CheckResult(Severity.OK, "none needed: a socket in the file system")
    peer = ipaddress.ip_address(connection.peer)
    if peer.is_loopback:
        return CheckResult(Severity.OK, "none needed: the store is on this machine")
    if peer.is_private:
        return CheckResult(Severity.NOTE, f"none, within a private network ({peer})", "rediss:// encrypts.")
    what = "names, messages and the password" if connection.password else "names and messages"
    advice = 'Use rediss:// (docs/redis.md, "TLS"), and never expose a store to the internet.'
    return CheckResult(Severity.WARNING, f"none: {what} travel readable to {peer}", advice)


def _certificate(ends: float | None) -> CheckResult:
    if ends is None:
        return CheckResult(Severity.OK, "TLS")
    seen = f"TLS, the server's certificate ends on {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if ends < time.time() + DOCTOR_CERTIFICATE_WARNING_DAYS * _DAY_SECONDS:
        return CheckResult(Severity.WARNING, seen, "Renew it: no instance can connect with one that has run out.")
    return CheckResult(Severity.OK, seen)


def _missing(found: Rights) -> list[str]:
    """What the user lacks, in the words of an ACL rule."""
    commands = {f"+{command.lower()}" for command, _ in found.refused if command != "EVALSHA"}
    names = {f"~{_pattern(key)}" for command, key in found.refused if command == "EVALSHA"}
    channels = {f"&{_pattern(channel)}" for channel in found.unreachable_channels}
    return [*sorted(commands), *sorted(names), *sorted(channels)]


def _pattern(name: str) -> str:
    return next(f"{start}*" for start in _PATTERNS if name.startswith(start))


def _user(found: Rights) -> str:
    return "the user" if found.user is None else f"user {found.user}"
