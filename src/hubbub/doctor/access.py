"""Who may do what to the store, and who may listen: checks of rights, privileges and encryption."""

import ipaddress
import time
from datetime import UTC, datetime
from typing import Final

from hubbub.core.limits import DOCTOR_CERTIFICATE_WARNING_DAYS
from hubbub.doctor.facts import Facts, Rights
from hubbub.doctor.findings import Verdict
from hubbub.doctor.result import NOT_TRIED, Judged

_PATTERNS: Final = ("party:", "{party:", "hubbub:")
_OWN_USER: Final = 'Make a user of its own with a password; docs/redis.md, "Rights", has the one line.'
_DAY_SECONDS: Final = 86_400


def rights(facts: Facts) -> Judged:
    """Whether the user may do what the scripts and the feed do."""
    if facts.rights is None:
        return Judged(Verdict.NOTE, NOT_TRIED)
    missing = _missing(facts.rights)
    if not missing:
        return Judged(Verdict.OK, f"{_user(facts.rights)} may do all that is needed")
    rule = " ".join(f"'{word}'" if word[0] in "~&" else word for word in missing)
    name = facts.rights.user or "…"
    return Judged(Verdict.PROBLEM, f"{_user(facts.rights)} lacks {', '.join(missing)}", f"ACL SETUSER {name} {rule}")


def privileges(facts: Facts) -> Judged:
    """Whether the user, or anybody, may do more than is needed."""
    line, found = facts.line, facts.rights
    if line.peer is None:
        return Judged(Verdict.OK, "a socket for this machine's user alone")
    if not line.password:
        near = ipaddress.ip_address(line.peer).is_loopback
        seen = f"no password is asked: whoever reaches {line.peer} may read and delete every party"
        return Judged(Verdict.NOTE if near else Verdict.WARNING, seen, _OWN_USER)
    if found is None:
        return Judged(Verdict.NOTE, NOT_TRIED)
    more = [*found.powers, *(["other keys and channels"] if found.can_touch_foreign_keys else [])]
    if more:
        return Judged(Verdict.NOTE, f"{_user(found)} may do more than is needed: {', '.join(more)}", _OWN_USER)
    return Judged(Verdict.OK, f"{_user(found)} was found to have no more than is needed")


def encryption(facts: Facts) -> Judged:
    """Whether somebody on the way could read along."""
    line = facts.line
    if line.tls:
        return _certificate(line.certificate_ends)
    if line.peer is None:
        return Judged(Verdict.OK, "none needed: a socket in the file system")
    peer = ipaddress.ip_address(line.peer)
    if peer.is_loopback:
        return Judged(Verdict.OK, "none needed: the store is on this machine")
    if peer.is_private:
        return Judged(Verdict.NOTE, f"none, within a private network ({peer})", "rediss:// encrypts.")
    what = "names, messages and the password" if line.password else "names and messages"
    advice = 'Use rediss:// (docs/redis.md, "TLS"), and never expose a store to the internet.'
    return Judged(Verdict.WARNING, f"none: {what} travel readable to {peer}", advice)


def _certificate(ends: float | None) -> Judged:
    if ends is None:
        return Judged(Verdict.OK, "TLS")
    seen = f"TLS, the server's certificate ends on {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if ends < time.time() + DOCTOR_CERTIFICATE_WARNING_DAYS * _DAY_SECONDS:
        return Judged(Verdict.WARNING, seen, "Renew it: no instance can connect with one that has run out.")
    return Judged(Verdict.OK, seen)


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
