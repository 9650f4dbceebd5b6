"""What runs beside this version is another one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import older
from tests.faults.older import ROOT, VARIABLE, NoOlderVersionError, older_source

WHERE = "import hubbub; print(hubbub.__file__)"


def test_older_version_runs_its_own_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_history = subprocess.run(["git", "-C", ROOT, "cat-file", "-e", older.OLDER], check=False, capture_output=True)
    if in_history.returncode != 0:
        return  # a shallow clone: test_faults.py tells of it
    monkeypatch.delenv(VARIABLE, raising=False)
    source = older_source(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(source)}
    found = subprocess.check_output([sys.executable, "-c", WHERE], env=environment, text=True, cwd=tmp_path)
    assert found.startswith(str(source))


def test_missing_revision_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "no-such-revision")
    with pytest.raises(NoOlderVersionError, match="no-such-revision has no other source than HEAD"):
        older_source(tmp_path)
