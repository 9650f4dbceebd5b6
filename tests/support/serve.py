"""Run `hubbub serve` with other deadlines: `python -P serve.py STORE_BUDGET_SECONDS=8`.

Deadlines are constants of `hubbub.core.limits`. Every module copies them when it is imported, so this changes them
before any other module is imported.
"""

import importlib
import sys

from hubbub.core import limits


def main() -> None:
    """Change the limits that the command line names, then serve."""
    for assignment in sys.argv[1:]:
        name, _, value = assignment.partition("=")
        assert isinstance(getattr(limits, name), float), name
        setattr(limits, name, float(value))
    sys.argv = ["hubbub", "serve"]
    importlib.import_module("hubbub.cli").main()


if __name__ == "__main__":
    main()
