"""Lint the Lua scripts as the store gets them: `python -m tests.support.lua_lint`.

luacheck reads each script whole, since a file of `lib/` makes sense only behind those that it needs. A finding is
reported under the file that contains it. A name of `lib/` that one script does not use is a finding only if no other
script uses it either.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from hubbub.store import scripts
from hubbub.store.scripts import Script

ROOT: Final = Path(__file__).parents[2]
_FINDING: Final = re.compile(r"(?m)^(?:.*/)?(\w+)\.lua:(\d+):\d+: \((\w)(\d+)\) (.*)$")
_UNUSED: Final = frozenset({"211", "221", "231", "241", "311", "331"})


class Finding(msgspec.Struct, frozen=True, order=True):
    """What luacheck says of one line of one file. `line` counts from 1."""

    part: str
    line: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.part}.lua:{self.line}: {self.text} ({self.code})"


def every_script() -> dict[str, Script]:
    """Return all scripts by the names of their constants."""
    return {name: script for name, script in vars(scripts).items() if isinstance(script, Script)}


def lint(those: dict[str, Script]) -> list[Finding]:
    """Return what luacheck finds in the scripts, ordered by file."""
    found_in: defaultdict[Finding, set[str]] = defaultdict(set)
    for name, finding in _run_luacheck(those):
        found_in[finding].add(name)
    return sorted(
        finding
        for finding, names in found_in.items()
        if finding.code not in _UNUSED or names >= {name for name in those if finding.part in those[name].parts}
    )


def _run_luacheck(those: dict[str, Script]) -> Iterator[tuple[str, Finding]]:
    with TemporaryDirectory() as folder:
        for name, script in those.items():
            Path(folder, f"{name}.lua").write_bytes(script.source)
        command = ["luacheck", "--config", str(ROOT / ".luacheckrc"), "--formatter", "plain", "--codes", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode > 2:
        raise RuntimeError(f"luacheck did not run: {done.stdout}{done.stderr}")
    for name, line, kind, code, text in _FINDING.findall(done.stdout):
        yield name, _locate(those[name], int(line), code if kind == "W" else kind + code, text)


def _locate(script: Script, line: int, code: str, text: str) -> Finding:
    """Return the finding under the file and the line that the line of the script comes from."""
    lengths = [scripts.read_part(part).count("\n") + 1 for part in script.parts]
    line -= script.source.count(b"\n") + 1 - sum(lengths)
    if line <= 0:
        return Finding("__init__", line, code, text)
    for part, length in zip(script.parts, lengths, strict=True):
        if line <= length:
            return Finding(part, line, code, text)
        line -= length
    raise AssertionError(f"line {line} lies behind the end of {script.name}")


def main() -> int:
    """Lint all scripts and return the exit status."""
    if shutil.which("luacheck") is None:
        sys.stdout.write("lua: not checked, luacheck is not installed (Debian: apt install lua-check)\n")
        return 1 if os.environ.get("CI") == "true" else 0
    findings = lint(every_script())
    for finding in findings:
        sys.stdout.write(f"src/hubbub/store/scripts/{finding}\n")
    sys.stdout.write(f"lua: {len(findings)} findings in {len(every_script())} scripts\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
