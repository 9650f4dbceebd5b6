"""Check that tests and files named in the documents exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_and_files_named_in_docs_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = {word for word in re.findall(r"`(test_\w+)`", text) if not re.search(rf"def {word}\(", TESTS)}
    assert named == set()
    files = re.findall(r"`((?:src|tests|docs|deploy|bench)/[\w./-]+\.\w+)`", text)
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_reliability_names_tests() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert len(set(re.findall(r"`(test_\w+)`", text))) > 20
