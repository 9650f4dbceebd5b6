"""Starts the embedded engine so that it ends with its owner, however the owner ends.

Run as a file of its own, with nothing but the standard library:
`launcher.py OWNER_PID PROGRAM ARG...`.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
OWNER_POLL_SECONDS = 0.5


def set_parent_death_signal() -> bool:
    """Ask the kernel to kill this process, and what it becomes, when its parent ends; False if it cannot.

    SIGKILL, since a frozen engine would not act on anything milder. It loses what the engine holds back while a sync
    of its append-only file is running, two seconds of writes at most; all else the kernel had before it was answered.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) == 0)


def run_as_supervisor(owner: int, command: list[str]) -> int:
    """Run the engine as a child and kill it when the owner has gone: for systems without a death signal."""
    engine = subprocess.Popen(command, close_fds=False)  # noqa: S603 - it inherits the lock; command is ours
    signal.signal(signal.SIGTERM, lambda *_: engine.terminate())
    while engine.poll() is None:
        if os.getppid() != owner:
            engine.kill()
        time.sleep(OWNER_POLL_SECONDS)
    return engine.returncode


def main() -> None:
    """Become the engine, or watch over it."""
    owner, command = int(sys.argv[1]), sys.argv[2:]
    os.umask(0o077)  # names and hashes of secrets are in the engine's files
    if not set_parent_death_signal():
        sys.exit(run_as_supervisor(owner, command))
    if os.getppid() != owner:
        sys.exit("the owner ended before the engine could start")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
