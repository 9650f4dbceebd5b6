"""A bounded run of the fuzzing that is led by coverage; `tests/unit/test_fuzz.py` needs nothing but Hypothesis."""

import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from hubbub.core.protocol import encode
from tests.fuzz.driver import MESSAGES

ROOT = Path(__file__).parents[2]
RUNS = 200_000
SECONDS = 10


@pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64 and Python < 3.14 only"
)
def test_fuzz_input_breaks_no_promise(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1, 2**31)
    print(f"to repeat: .venv/bin/python -m tests.fuzz.fuzz_session -seed={seed}")  # noqa: T201 - shown on failure
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, message in enumerate(MESSAGES):
        # The last byte is the first decision: 0 is a frame as it stands.
        (corpus / f"{number}").write_bytes(encode([message]) + b"\0")
    words = tmp_path / "words"
    words.write_text("".join(f'"\\"{message["t"]}\\""\n' for message in MESSAGES))
    command = [
        *(sys.executable, "-m", "tests.fuzz.fuzz_session", str(corpus)),
        *(f"-seed={seed}", f"-runs={RUNS}", f"-max_total_time={SECONDS}", "-max_len=600", "-timeout=10"),
        *(f"-dict={words}", f"-artifact_prefix={tmp_path}/"),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 40, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert "Done" in run.stderr, run.stderr[-3000:]
