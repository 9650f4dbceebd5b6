"""Format runs as figures of the table."""

import statistics
from collections.abc import Sequence


def runs(values: Sequence[float], digits: int = 1) -> str:
    """Format every run: they show how noisy the machine was."""
    return "runs: " + " ".join(f"{value:,.{digits}f}" for value in values)


def median_and_runs(values: Sequence[float], digits: int = 1) -> str:
    """Format the median and every run."""
    return f"{statistics.median(values):,.{digits}f}   ({runs(values, digits)})"


def ratio(ours: Sequence[float], theirs: Sequence[float], aim: float | None = None) -> str:
    """Format the median of the ratios of runs in the same round."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    aimed = "" if aim is None else f"aim: at most {aim:.2f}; "
    return f"{statistics.median(pairs):.2f}   ({aimed}{runs(pairs, 2)})"


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that `percent` % of the values do not exceed."""
    return statistics.quantiles(values, n=100)[percent - 1]


def print_table(rows: Sequence[tuple[str, str]]) -> None:
    """Print the rows as a table."""
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
