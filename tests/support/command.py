"""The `hubbub` command, run to its end."""

import os
import subprocess
import sys
from pathlib import Path


def hubbub(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command in that folder with these settings and none of ours."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **settings}
    command = [sys.executable, "-m", "hubbub", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False)
