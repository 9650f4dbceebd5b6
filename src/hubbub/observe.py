"""Logs: who this instance is, what was asked of it, and how its store is."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor

from hubbub.store import Trouble
from hubbub.store.health import StoreState

LogFormat = Literal["console", "json"]


def make_log(log_format: LogFormat, instance_id: str) -> FilteringBoundLogger:
    """A log on standard error: lines for a person, or one JSON object a line."""
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
    return bound


def _to_json(event: Mapping[str, Any], **_: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


def tell_store_changes(log: FilteringBoundLogger) -> Callable[[StoreState, Trouble | None], None]:
    """A listener that logs each change of the store's state, once."""

    def tell(state: StoreState, trouble: Trouble | None) -> None:
        if trouble is None:
            log.info("store", redis=state)
        else:
            log.warning("store", redis=state, trouble=trouble)

    return tell
