"""Source files stay short enough to read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES_MAX = 400
TOO_LONG: set[str] = {
    "tests/web/unit/client-coming-back.test.js",
    "tests/web/unit/client-entering.test.js",
}
"""Files that are longer still. Split them, and add none."""


def test_no_source_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT))
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".js", ".css", ".lua"} and "node_modules" not in path.parts
        if len(path.read_text(encoding="utf-8").splitlines()) > LINES_MAX
    }
    assert long <= TOO_LONG, f"more than {LINES_MAX} lines: {', '.join(sorted(long - TOO_LONG))}"
