"""The app's modules: their own tests, and what they may import and hold. No browser, and no node but Playwright's."""

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from playwright._impl._driver import compute_driver_executable

from tests.web.support.sources import import_faults, imports_of, look_faults, scheme_faults

UNIT = Path(__file__).parent / "unit"
REPOSITORY = Path(__file__).parents[2]
SECONDS_MAX = 200


def test_the_modules_own_tests_pass() -> None:
    files = sorted(map(str, UNIT.rglob("*.test.js")))
    options = ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--test", "--test-reporter=tap"]
    run = subprocess.run(
        [compute_driver_executable()[0], *options, *files],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
        encoding="utf-8",
    )
    counts = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", run.stdout, re.MULTILINE)}
    failures = "\n".join(re.findall(r"^ *not ok.*?\.\.\.$", run.stdout, re.MULTILINE | re.DOTALL))
    assert (run.returncode, counts["tests"]) == (0, counts["pass"]), failures or run.stdout + run.stderr
    assert counts["pass"] >= len(files) > 0, run.stdout


def test_imports_point_down_and_every_module_is_used() -> None:
    assert not import_faults()


def test_colours_sizes_and_durations_are_tokens() -> None:
    assert not look_faults()


def test_the_dark_and_the_light_differ_in_colours_alone() -> None:
    assert not scheme_faults()


def planted(folder: Path, **files: str) -> Path:
    """A small app: the names of its files with `__` for `/` and without their endings."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + (".css" if name.startswith("style") else ".js"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"core__a": "import { x } from '../views/b.js';", "views__b": ""}, "core must not import views"),
        ({"views__a": "import {\n x,\n } from '../strings/b.js'", "strings__b": ""}, "views must not import strings"),
        ({"core__a": "import './b.js';", "core__b": "export * from './a.js';"}, "a circle: core/a.js → core/b.js →"),
        ({"core__a": "const a = await import('./gone.js');"}, "core/a.js imports ./gone.js, which is not there"),
        ({"core__a": "import x from 'lodash';"}, "core/a.js imports lodash, which is not relative"),
        ({"core__a": "import x from '/app/core/b.js';", "core__b": ""}, "which is not relative"),
        ({"core__a": "import(`./${name}.js`)"}, "which is not relative"),
        ({"core__a": "import '../../outside.js'"}, "which is not there"),
        ({"helpers__a": ""}, "helpers/a.js belongs to no layer"),
        ({"main": "import './core/a.js'", "core__a": "", "core__b": ""}, "nothing leads to core/b.js"),
        ({"examples__a": "import '../core/b.js'", "core__b": ""}, "examples must not import core"),
    ],
)
def test_a_wrong_import_is_told(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    faults = import_faults(planted(tmp_path, **files))
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_sound_app_has_no_faults(tmp_path: Path) -> None:
    app = planted(
        tmp_path,
        main="import { start } from './app/start.js';\nimport('./views/late.js');\n",
        app__start="// import 'gone.js'\n/* import x from 'gone' */ import { a } from '../models/a.js';\nexport { a };",
        models__a="import { link } from '../client.js';\nimport { t } from '../strings/t.js';\nlet kind = '*/*';",
        views__late="import { code } from '../core/code.js';\nconst all = 'import x from y';\n",
        client="export * from './client/link.js';\n",
        client__link="export const link = 'https://example.org/a.js'; // from 'nowhere'\n",
        strings__t="export const t = 1;\n",
        core__code="export const code = 1;\n",
    )
    (app / "service-worker.js").write_text("self.addEventListener('fetch', () => {});\n")
    assert not import_faults(app)
    assert [one.text for one in imports_of(PurePosixPath("main.js"), app)] == ["./app/start.js", "./views/late.js"]


@pytest.mark.parametrize(
    "rule",
    [
        "color: #fff",
        "background: rgb(0 0 0 / 50%)",
        "border: 1px solid white",
        "color: oklch(70% 0.1 200)",
        "font-size: 16px",
        "font: 700 1.2rem/1 var(--sans)",
        "transition: opacity 200ms var(--ease)",
        "transition: opacity var(--fast) ease-in-out",
        "animation: pop .3s",
        "transition-timing-function: cubic-bezier(0, 0, 0, 1)",
        "--own: #123456",
    ],
)
def test_a_literal_look_in_a_style_is_told(tmp_path: Path, rule: str) -> None:
    app = planted(
        tmp_path, style__a=f"/* one\n two */\n.a, #fade:hover {{ {rule}; }}\n", style__tokens=f":root{{{rule}}}"
    )
    assert look_faults(app) == [f"style/a.css:3: {rule}"]


@pytest.mark.parametrize(
    "line",
    [
        "node.style.color = '#a1b2c3';",
        "node.style.fontSize = size;",
        "node.animate(frames, { duration: 200 });",
        'a("2s")',
    ],
)
def test_a_literal_look_in_a_module_is_told(tmp_path: Path, line: str) -> None:
    assert look_faults(planted(tmp_path, views__a=f"// #fff\n{line}\n")) == [f"views/a.js:2: {line}"]


def test_tokens_and_plain_words_are_no_literal_looks(tmp_path: Path) -> None:
    style = """
    #added:not(.tan) > a:hover { color: var(--ink); font: inherit; font-size: var(--size-2); white-space: nowrap }
    @media (min-width: 700px) { .red { transition: opacity var(--fast) var(--ease), transform 0s; content: "#fff 2s" } }
    a { background: url("#fade"); border-color: CanvasText; color: currentcolor; animation: none; width: 3px }
    """
    module = "const chosen = document.querySelector('#seat'); setTimeout(go, 2000); say('10 minutes', `${n} s`);\n"
    assert not look_faults(planted(tmp_path, style__a=style, views__a=module))


def test_a_scheme_that_changes_more_than_colours_is_told(tmp_path: Path) -> None:
    light = (
        "@media (prefers-color-scheme: light) {\n :root { --ink: #221330; --gap: 2rem; }\n}\n:root { --calm: 260ms; }"
    )
    app = planted(tmp_path, style__tokens=light, views__a="matchMedia('(prefers-color-scheme: light)')")
    assert scheme_faults(app) == ["views/a.js asks for the scheme", "--gap: 2rem"]
