"""Set up structlog: one log per instance, for a terminal or as JSON."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor

from hubbub.store.health import StoreState
from hubbub.store.port import StoreFailure

LogFormat = Literal["console", "json"]


def make_log(log_format: LogFormat, instance_id: str) -> FilteringBoundLogger:
    """Make a log on standard error: lines for people, or one JSON object per line."""
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    if log_format == "console":
        log = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            [*shared, structlog.dev.ConsoleRenderer(timestamp_key="time")],
            wrapper_class=structlog.make_filtering_bound_logger("INFO"),
        )
    else:
        log = structlog.wrap_logger(
            structlog.BytesLogger(sys.stderr.buffer),
            [*shared, structlog.processors.JSONRenderer(serializer=_to_json)],
            wrapper_class=structlog.make_filtering_bound_logger("INFO"),
        )
    bound: FilteringBoundLogger = log.bind(instanceId=instance_id)
    logging.basicConfig(handlers=[_Bridge(bound)], level=logging.WARNING, force=True)
    # aiohttp logs a stack trace for each client error. The request middleware answers and logs those, and the
    # faults of our own handlers.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    return bound


class _Bridge(logging.Handler):
    """Passes records of the standard library's logging to our log."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, "library", logger=record.name, what=record.getMessage(), exc_info=record.exc_info)


def _to_json(event: Mapping[str, Any], **_: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


def log_store_changes(log: FilteringBoundLogger) -> Callable[[StoreState, StoreFailure | None], None]:
    """Return a listener that logs each change of the store's state."""

    def log_change(state: StoreState, trouble: StoreFailure | None) -> None:
        if trouble is None:
            log.info("store", redis=state)
        else:
            log.warning("store", redis=state, trouble=trouble)

    return log_change
