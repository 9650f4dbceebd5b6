"""Serve the app's files: one hash for the whole set, templates, compression."""

import json
import re

import pytest

from hubbub.transport.assets import PAGE, WORKER, WebApp, accepts_gzip, read_sources

SOURCES = {
    "index.html": b'<link href="/app/style/main.css">\n<!-- modules -->\n<script src="/app/main.js"></script>',
    "service-worker.js": b'const SET = "/app/";\nconst SHELL = [/* shell */];\n',
    "main.js": b'import "./core/code.js";\n' * 50,
    "core/code.js": b"export {};\n",
    "style/main.css": b"main { color: red }\n",
    "icon.svg": b"<svg/>",
    "examples/robot.js": b'import "../main.js";\n',
}


def app(**changes: bytes) -> WebApp:
    return WebApp({**SOURCES, **{name.replace("_", "."): content for name, content in changes.items()}})


@pytest.mark.parametrize("path", SOURCES)
def test_changed_file_changes_set_name(path: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", app().hash)
    assert WebApp({**SOURCES, path: SOURCES[path] + b" "}).hash != app().hash


def test_set_name_depends_on_paths_and_not_on_order() -> None:
    assert WebApp(dict(reversed(SOURCES.items()))).hash == app().hash
    moved = {**SOURCES, "core/party.js": SOURCES["core/code.js"]}
    del moved["core/code.js"]
    assert WebApp(moved).hash != app().hash
    one, other = {**SOURCES, "a.js": b"1b.js2", "c.js": b""}, {**SOURCES, "a.js": b"1", "b.js": b"2"}
    assert WebApp(one).hash != WebApp(other).hash


def test_files_of_set_have_no_comments_or_indentation() -> None:
    written = b"// why\nexport function one() {\n  return `a  b // c`; // what\n}\n"
    own = app(main_js=written)
    named, plain = own.find(f"{own.hash}/main.js"), own.find("main.js")
    assert named is not None
    assert plain is not None
    assert plain.asset.plain.content == written
    assert named.asset.plain.content == b"export function one(){return`a  b // c`;}"


@pytest.mark.parametrize(
    "path",
    ["./main.js", "main.js\n", "MAIN.JS", "core", "HASH/", "0123456789ABCDEF/main.js", "0123456789abcde/main.js"],
)
def test_file_is_found_by_exact_path_only(path: str) -> None:
    own = app()
    assert own.find(path.replace("HASH", own.hash)) is None


def test_service_worker_lists_page_and_files() -> None:
    own = app()
    worker = own.worker.plain.content.decode()
    assert f'SET = "/app/{own.hash}/"' in worker
    shell = json.loads(worker[worker.index("SHELL = ") + len("SHELL = ") : worker.rindex(";")])
    assert shell == ["/"] + [
        f"/app/{own.hash}/{path}" for path in ("core/code.js", "icon.svg", "main.js", "style/main.css")
    ]


def test_compression_is_deterministic() -> None:
    assert app().find("main.js") == app().find("main.js")
    assert app().page == app().page


def test_incompressible_file_stays_uncompressed() -> None:
    found = app().find("icon.svg")
    assert found is not None
    assert found.asset.gzipped is None


def test_etag_depends_on_content() -> None:
    before, after = app().find("main.js"), app(main_js=b"other").find("main.js")
    assert before is not None
    assert after is not None
    assert before.asset.plain.etag != after.asset.plain.etag


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("*", True),
        ("deflate , gzip ; q=0.001", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("gzipped", False),
        (";,;q=", False),
    ],
)
def test_gzip_is_sent_only_if_accepted(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_package_has_page_worker_and_only_web_files() -> None:
    sources = read_sources()
    assert {PAGE, WORKER, "manifest.webmanifest", "icon.svg", "icon-maskable.svg"} <= set(sources)
    for path in sources:
        assert path == PAGE or re.fullmatch(r"([a-z0-9_-]+/)*[a-z0-9_-]+\.(js|css|svg|webmanifest|png)", path), path


def test_templates_have_markers() -> None:
    sources = read_sources()
    assert sources[PAGE].count(b"<!-- modules -->") == 1
    assert sources[WORKER].count(b"/* shell */") == 1
