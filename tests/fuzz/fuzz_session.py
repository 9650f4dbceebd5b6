"""Fuzzing led by coverage: `.venv/bin/python -m tests.fuzz.fuzz_session -runs=200000 -seed=7` (libFuzzer's options)."""

import sys
from importlib import import_module

atheris = import_module("atheris")

with atheris.instrument_imports(include=["hubbub.core"]):
    from tests.fuzz import driver


def fuzz(data: bytes) -> None:
    """Run one scenario, decided by `data`."""
    source = atheris.FuzzedDataProvider(data)

    def pick(below: int) -> int:
        return int(source.ConsumeIntInRange(0, below - 1))

    match pick(3):
        case 0:
            driver.converse(pick, [bytes(source.ConsumeBytes(source.remaining_bytes()))])
        case 1:
            driver.converse(pick, (driver.some_frame(pick) for _ in range(1 + pick(12))))
        case 2:
            driver.run_replica_scenario(pick, 1 + pick(40))


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
