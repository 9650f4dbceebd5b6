"""Every setting is documented with its default: in README's table and in `.env.example`."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from hubbub.config import Settings

ROOT = Path(__file__).parents[2]
DEPENDS_ON_MACHINE = {"hubbub_data_dir", "log_format"}
"""Settings whose default differs by machine, so the documents describe it in words."""
NAMES = sorted(Settings.model_fields)


def documented_default(name: str) -> str:
    """Return the default of a setting as README and `.env.example` should show it; empty if there is none."""
    default = Settings.model_fields[name].default
    if default is None or default is PydanticUndefined or default == ():
        return ""
    assert not isinstance(default, SecretStr), f"{name} has a secret as its default"
    return str(default)


def readme_defaults() -> dict[str, str]:
    """Return the default per variable from README's table, in which a row may hold several variables."""
    defaults: dict[str, str] = {}
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([A-Z][A-Z_]+)`", cells[0])
        if not line.startswith("| `") or len(cells) != 3 or not names:
            continue
        values = [value.strip(" `") for value in cells[1].split(", ")]
        values = values * len(names) if len(values) == 1 else values
        defaults |= dict(zip(names, values, strict=False))
    return defaults


def example_defaults() -> dict[str, str]:
    """Return the value per variable from the commented lines of `.env.example`."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_setting_is_in_readme_with_its_default(name: str) -> None:
    documented = readme_defaults()
    assert name.upper() in documented, f"{name.upper()} is not in README's table"
    if name not in DEPENDS_ON_MACHINE:
        assert documented[name.upper()] == (documented_default(name) or "none")


@pytest.mark.parametrize("name", NAMES)
def test_setting_is_in_the_example_with_its_default(name: str) -> None:
    documented = example_defaults()
    assert name.upper() in documented, f"{name.upper()} is not in .env.example"
    if name not in {*DEPENDS_ON_MACHINE, "public_url"}:  # the example shows the form of a public URL
        assert documented[name.upper()] == documented_default(name)


def test_documents_name_no_unknown_setting() -> None:
    known = {name.upper() for name in NAMES}
    assert readme_defaults().keys() <= known
    assert example_defaults().keys() <= known
