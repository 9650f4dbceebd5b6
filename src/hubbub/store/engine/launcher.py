"""Starts the embedded engine so that it ends with its owner, however the owner ends.

Runs as a script with the standard library only: `launcher.py OWNER_PID PROGRAM ARG...`.
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
    """Have the kernel kill this process, also after exec, when its parent ends; return False if it cannot.

    The signal is SIGKILL, since a frozen engine handles no other. It loses at most two seconds of writes: those that
    the engine holds back while it syncs its append-only file. All other writes reach the kernel before their answer.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) == 0)


def run_as_supervisor(owner: int, command: list[str]) -> int:
    """Run the engine as a child and kill it when the owner is gone, on systems without a death signal."""
    engine = subprocess.Popen(command, close_fds=False)  # noqa: S603 - it inherits the lock; command is ours
    signal.signal(signal.SIGTERM, lambda *_: engine.terminate())
    while engine.poll() is None:
        if os.getppid() != owner:
            engine.kill()
        time.sleep(OWNER_POLL_SECONDS)
    return engine.returncode


def main() -> None:
    """Become the engine, or supervise it."""
    owner, command = int(sys.argv[1]), sys.argv[2:]
    os.umask(0o077)  # names and hashes of secrets are in the engine's files
    if not set_parent_death_signal():
        sys.exit(run_as_supervisor(owner, command))
    if os.getppid() != owner:
        sys.exit("the owner ended before the engine could start")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
