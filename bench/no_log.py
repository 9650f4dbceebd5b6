"""Run the `hubbub` command without log lines, to measure what they cost."""

import structlog
from structlog.typing import FilteringBoundLogger

from hubbub import cli, server


def make_silent_log(_log_format: str, _instance_id: str) -> FilteringBoundLogger:
    """Make a log that drops everything below a critical event."""
    silent: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger("CRITICAL")
    )
    return silent


if __name__ == "__main__":
    server.make_log = make_silent_log  # type: ignore[assignment, attr-defined]
    cli.main()
