"""Check that tests and files named in the documents exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
GUIDES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
DOCUMENTS = [*GUIDES, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/decisions").glob("*.md"))]
FOLDERS = ("src", "tests", "docs", "deploy", "bench")
FILES = {str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
NAMED_FILE = re.compile(r"`((?:[\w-]+/)*[\w.-]+\.(?:py|lua|js|css|json|cfg))`")
MODULE = re.compile(r"(?<![\w/])(\w+\.py)\b")
MADE_ELSEWHERE = {"openapi.json", "asyncapi.json"}
"""Names of routes."""


def exists(name: str) -> bool:
    """Return whether a file's path ends with `name`, which may leave out the folders above it."""
    return any(path == name or path.endswith(f"/{name}") for path in FILES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_and_files_named_in_docs_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = {word for word in re.findall(r"`(test_\w+)`", text) if not re.search(rf"def {word}\(", TESTS)}
    assert named == set()
    files = set(NAMED_FILE.findall(text)) - MADE_ELSEWHERE
    assert [name for name in sorted(files) if not exists(name)] == []


def test_modules_in_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = text.split("```")[1]
    assert len(MODULE.findall(tree)) > 20
    assert [name for name in MODULE.findall(tree) if not exists(name)] == []


def test_reliability_names_tests() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert len(set(re.findall(r"`(test_\w+)`", text))) > 20
