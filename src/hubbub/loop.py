"""The event loop's clock, and random delays."""

import asyncio
import random


def now() -> float:
    """Return the time of the running event loop: monotonic, in seconds."""
    return asyncio.get_running_loop().time()


def spread(seconds: float, *, at_least: float = 0.0) -> float:
    """Return a random part of `seconds`, from the share `at_least` up to all of it.

    Without this, all rooms or all instances act in the same moment.
    """
    return seconds * random.uniform(at_least, 1)  # noqa: S311 - only spreads load
