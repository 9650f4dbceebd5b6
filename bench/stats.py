"""From runs to the figures of the table."""

import statistics
from collections.abc import Sequence


def runs(values: Sequence[float], digits: int = 1) -> str:
    """Every run, so that a reader sees how noisy the machine was."""
    return "runs: " + " ".join(f"{value:,.{digits}f}" for value in values)


def median_and_runs(values: Sequence[float], digits: int = 1) -> str:
    """The middle run, and every run."""
    return f"{statistics.median(values):,.{digits}f}   ({runs(values, digits)})"


def ratio(ours: Sequence[float], theirs: Sequence[float], aim: float | None = None) -> str:
    """The middle one of the ratios of runs that were made in the same round."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    aimed = "" if aim is None else f"aim: at most {aim:.2f}; "
    return f"{statistics.median(pairs):.2f}   ({aimed}{runs(pairs, 2)})"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    return statistics.quantiles(values, n=100)[percent - 1]


def print_table(rows: Sequence[tuple[str, str]]) -> None:
    """What all figures end as."""
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
