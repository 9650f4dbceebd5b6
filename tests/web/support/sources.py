"""What the app's sources must keep to: imports that point down, and looks that come from one file of tokens."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import ImageColor

APP = Path(__file__).resolve().parents[3] / "src" / "hubbub" / "web"
TOKENS = PurePosixPath("style/tokens.css")
# From the top down. What stands on one line may be imported by all that stand above it.
LAYERS = ("main.js", "app", "views", "models", "client.js", "client", "core")
# The words, beside the layers, and who may use them.
STRINGS = "strings"
SPEAKERS = {"main.js", "app", "models", STRINGS}
EXAMPLES = "examples"
SERVICE_WORKER = "service-worker.js"
# What pages load; whatever none of these leads to is dead.
ROOTS = ("main.js", "client.js", SERVICE_WORKER)

_STRING = r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"""
_COMMENT_OR_STRING = re.compile(rf"(?P<comment>//[^\n]*|/\*.*?\*/)|{_STRING}", re.DOTALL)
_STRINGS = re.compile(_STRING, re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(
    r"""^[ \t]*(?:import|export)\b[^;"'`()]*?\bfrom\s*["'](?P<named>[^"']+)["']"""
    r"""|^[ \t]*import\s*["'](?P<bare>[^"']+)["']"""
    r"""|\bimport\s*\(\s*(?P<dynamic>[^)]*)\)""",
    re.MULTILINE,
)
_LITERAL_TEXT = re.compile(r"""\s*["'`](?P<text>[^"'`$]+)["'`]\s*""")

_COLOUR = re.compile(
    r"#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\(", re.IGNORECASE
)
_NAMED_COLOUR = re.compile(rf"(?<![\w-])(?:{'|'.join(ImageColor.colormap)}|rebeccapurple)(?![\w-])", re.IGNORECASE)
_DURATION = re.compile(r"(?<![\w.-])(?!0m?s\b)\d*\.?\d+m?s\b", re.IGNORECASE)
_CURVE = re.compile(r"\b(?:cubic-bezier|steps|linear)\(|(?<![\w-])ease(?:-in|-out|-in-out)?(?![\w-])", re.IGNORECASE)
_LENGTH = re.compile(r"(?<![\w.-])\d*\.?\d+(?:px|pt|r?em|vw|vh|vmin|vmax|%)", re.IGNORECASE)
_DECLARATION = re.compile(r"(?P<property>--[\w-]+|[a-z-]+)\s*:\s*(?P<value>[^;{}]+)(?=[;}]|$)", re.IGNORECASE)
_SCHEME = "prefers-color-scheme"
_OF_A_SCHEME = re.compile(rf"@media \({_SCHEME}: \w+\)\s*\{{(?P<rules>.*?\}})\s*\}}", re.DOTALL)
_JS_FONT_SIZE = re.compile(r"fontSize\s*=|font-size\s*:", re.IGNORECASE)
_JS_DURATION = re.compile(r"\b(?:duration|easing)\s*:\s*[\d\"'`]")


class Import(NamedTuple):
    source: PurePosixPath
    text: str

    @property
    def is_relative(self) -> bool:
        return self.text.startswith(("./", "../"))

    @property
    def target(self) -> PurePosixPath:
        """The file it means, from the app's folder; it may lie outside."""
        return PurePosixPath(os.path.normpath(self.source.parent / self.text))

    def __str__(self) -> str:
        return f"{self.source} imports {self.text}"


def modules(app: Path = APP) -> list[PurePosixPath]:
    return sorted(PurePosixPath(path.relative_to(app).as_posix()) for path in app.rglob("*.js"))


def imports_of(source: PurePosixPath, app: Path = APP) -> Iterator[Import]:
    code = without_comments((app / source).read_text())
    for found in _IMPORT.finditer(code):
        text = found["named"] or found["bare"]
        if text is None:
            literal = _LITERAL_TEXT.fullmatch(found["dynamic"])
            text = literal["text"] if literal is not None else found["dynamic"]
        yield Import(source, text)


def without_comments(code: str) -> str:
    """JavaScript with each comment blanked, its lines kept."""
    return _COMMENT_OR_STRING.sub(lambda one: _blanked(one[0]) if one["comment"] else one[0], code)


def _blanked(text: str) -> str:
    return "\n" * text.count("\n") or " "


def layer_of(module: PurePosixPath) -> str:
    """The layer that a module belongs to: its folder in the app, or itself."""
    return module.parts[0]


def may_import(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if importer == EXAMPLES:
        return imported == "client.js"
    if importer == SERVICE_WORKER:
        return imported == "core"
    if imported == STRINGS:
        return importer in SPEAKERS
    if importer in LAYERS and imported in LAYERS:
        return LAYERS.index(importer) < LAYERS.index(imported)
    return False


def import_faults(app: Path = APP) -> list[str]:
    """Whatever is wrong with the imports of the app's modules; a folder that is not there yet is no fault."""
    there = modules(app)
    known = {*LAYERS, STRINGS, EXAMPLES, SERVICE_WORKER}
    faults = [f"{module} belongs to no layer" for module in there if layer_of(module) not in known]
    graph: dict[PurePosixPath, list[PurePosixPath]] = {module: [] for module in there}
    for module in there:
        for one in imports_of(module, app):
            if not one.is_relative:
                faults.append(f"{one}, which is not relative")
            elif one.target not in graph:
                faults.append(f"{one}, which is not there")
            else:
                graph[module].append(one.target)
                if not may_import(layer_of(module), layer_of(one.target)):
                    faults.append(f"{one}: {layer_of(module)} must not import {layer_of(one.target)}")
    return faults + _circles(graph) + _unreached(graph)


def _circles(graph: dict[PurePosixPath, list[PurePosixPath]]) -> list[str]:
    done: set[PurePosixPath] = set()
    faults: list[str] = []

    def walk(module: PurePosixPath, way: list[PurePosixPath]) -> None:
        if module in way:
            faults.append("a circle: " + " → ".join(map(str, [*way[way.index(module) :], module])))
        elif module not in done:
            for target in graph[module]:
                walk(target, [*way, module])
            done.add(module)

    for module in graph:
        walk(module, [])
    return faults


def _unreached(graph: dict[PurePosixPath, list[PurePosixPath]]) -> list[str]:
    roots = [module for module in graph if str(module) in ROOTS or layer_of(module) == EXAMPLES]
    if PurePosixPath("main.js") not in graph:
        return []  # the app is not whole yet
    reached: set[PurePosixPath] = set()
    waiting = roots
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += graph[module]
    return [f"nothing leads to {module}" for module in graph if module not in reached]


def look_faults(app: Path = APP) -> list[str]:
    """Every literal colour, font size, duration and curve that stands outside the file of tokens."""
    faults: list[str] = []
    for path in sorted(app.rglob("*")):
        name = PurePosixPath(path.relative_to(app).as_posix())
        if name == TOKENS or path.suffix not in {".js", ".css"}:
            continue
        find = _css_literals if path.suffix == ".css" else _js_literals
        faults += [f"{name}:{line}: {text}" for line, text in find(path.read_text())]
    return faults


def _css_literals(text: str) -> Iterator[tuple[int, str]]:
    code = _CSS_COMMENT.sub(lambda one: _blanked(one[0]), text)
    for found in _DECLARATION.finditer(code):
        if _is_literal(found["property"].lower(), _STRINGS.sub('""', found["value"])):
            yield code.count("\n", 0, found.start()) + 1, found[0].strip()


def _is_literal(name: str, value: str) -> bool:
    if _COLOUR.search(value) or _DURATION.search(value):
        return True
    if name.startswith(("transition", "animation")) and _CURVE.search(value):
        return True
    if name in {"font-size", "font"} and _LENGTH.search(value):
        return True
    return name not in {"animation", "animation-name", "grid-area"} and _NAMED_COLOUR.search(value) is not None


def _js_literals(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        quoted = " ".join(_STRINGS.findall(line))
        if (
            _COLOUR.search(quoted)
            or _DURATION.search(quoted)
            or _JS_FONT_SIZE.search(line)
            or _JS_DURATION.search(line)
        ):
            yield number, line.strip()


def scheme_faults(app: Path = APP) -> list[str]:
    """Whatever lets the dark and the light differ in more than the colours of tokens."""
    sources = {path: path.read_text() for path in sorted(app.rglob("*")) if path.suffix in {".js", ".css"}}
    tokens = sources.pop(app / TOKENS)
    faults = [
        f"{path.relative_to(app).as_posix()} asks for the scheme" for path, text in sources.items() if _SCHEME in text
    ]
    rules = "".join(found["rules"] for found in _OF_A_SCHEME.finditer(tokens))
    return faults + [found[0].strip() for found in _DECLARATION.finditer(rules) if not _COLOUR.search(found["value"])]
