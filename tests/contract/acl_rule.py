"""Read the ACL rule that the documents give to operators."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def documented_acl_rule(password: str) -> list[str]:
    """The rule as docs/redis.md has it, with another password."""
    text = (_ROOT / "docs" / "redis.md").read_text()
    found = re.search(r"ACL SETUSER hubbub (.+)", text)
    assert found is not None
    words = found.group(1).replace("'", "").split()
    return [f">{password}" if word.startswith(">") else word for word in words]
