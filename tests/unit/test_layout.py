"""Source files stay short enough to read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES_MAX = 400


def test_no_source_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT))
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".js", ".css", ".lua"} and "node_modules" not in path.parts
        if len(path.read_text(encoding="utf-8").splitlines()) > LINES_MAX
    }
    assert not long, f"more than {LINES_MAX} lines: {', '.join(sorted(long))}"
