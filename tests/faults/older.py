"""The version before this one, to run beside it."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "HUBBUB_OLDER_REVISION"
# The last revision before the packages were rearranged. It stands for the previous release until there is a release;
# then its tag belongs here.
OLDER = "58245a7ff0a196e805cf84bc7893e335cf3813ad"


class OnlyOneVersion(UserWarning):
    """Two versions were to run side by side, and both were this one."""


class NoOlderVersionError(Exception):
    """The history here has no revision with another source."""


def older_source(folder: Path) -> Path:
    """Unpack the older version's source into the folder; what `PYTHONPATH` has to be.

    It is the revision that HUBBUB_OLDER_REVISION names, else OLDER, else, where that is not in this history, the
    newest one whose source differs. Raises NoOlderVersionError where there is none, as in a shallow clone.
    """
    revision = _older_revision()
    archive = subprocess.run(["git", "-C", ROOT, "archive", revision, "src"], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder / "older", filter="data")
    return folder / "older" / "src"


def _older_revision() -> str:
    named = os.environ.get(VARIABLE, "")
    candidates = [named] if named else [OLDER, *_git("rev-list", "HEAD").split()]
    for revision in candidates:
        tree = _git("rev-parse", "--verify", "--quiet", f"{revision}:src")
        if tree and tree != _git("rev-parse", "HEAD:src"):
            return revision
    raise NoOlderVersionError(
        f"{named or 'The history'} has no other source than HEAD: fetch the whole history"
        f" (git fetch --unshallow), or name a revision by {VARIABLE}"
    )


def _git(*words: str) -> str:
    try:
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""  # no git, no history
