"""The phone app's files as a browser gets them."""

import json
import posixpath
import re
from collections.abc import Iterator

import pytest

from tests.integration.test_http import expect_refusal, send_raw
from tests.support.instances import Instance

ADDRESS = re.compile(r"(?:href|src)=\"([^\"]*)\"")
COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
AT_ONCE = re.compile(r"^(?:import|export)\b(?:[^\"';]*?\bfrom)?\s*[\"']([^\"']+)[\"']", re.MULTILINE)
LATER = re.compile(r"\bimport\(\s*[\"']([^\"']+)[\"']")
PAGES = ["/", "/p/ABC123", "/p/ABC123/wall"]
ANOTHER_SET = "0123456789abcdef"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = Instance(tmp_path_factory.mktemp("assets")).start()
    yield instance
    instance.close()


@pytest.fixture(scope="module")
def page(instance: Instance) -> str:
    return str(instance.call("GET", "/").body)


@pytest.fixture(scope="module")
def set_name(page: str) -> str:
    names = set(re.findall(r"/app/([0-9a-f]{16})/", page))
    assert len(names) == 1
    return str(names.pop())


def test_page_loads_only_existing_files_of_its_set(instance: Instance, page: str, set_name: str) -> None:
    to_itself = {"", "/"}
    addresses = set(ADDRESS.findall(page)) - to_itself
    assert addresses
    for address in addresses:
        assert address.startswith(f"/app/{set_name}/") or address == "/openapi.json", address
        assert instance.call("GET", address).status == 200, address


def loaded(instance: Instance, roots: set[str], *imports: re.Pattern[str]) -> set[str]:
    """Return every module that those at `roots` come to load, as they are written; each must be there."""
    waiting, seen = set(roots), set[str]()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = instance.call("GET", address)
        assert answer.status == 200, address
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        code = COMMENT.sub("", answer.body)
        for relative in (found for form in imports for found in form.findall(code)):
            assert relative.startswith(("./", "../")), f"{address} imports {relative}, which no browser resolves"
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(address), relative))
            assert imported.startswith("/app/"), f"{address} imports {relative}"
            if imported not in seen:
                waiting.add(imported)
    return seen


def test_page_preloads_exactly_its_first_modules(instance: Instance, page: str, set_name: str) -> None:
    announced = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    assert len(announced) == len(set(announced))
    at_once = loaded(instance, {"/app/main.js"}, AT_ONCE)
    assert {address.replace(f"/{set_name}/", "/") for address in announced} == at_once
    assert len(loaded(instance, {"/app/main.js"}, AT_ONCE, LATER)) > len(at_once)


def test_files_under_set_name_are_cached_for_ever(instance: Instance, set_name: str) -> None:
    answer = instance.call("GET", f"/app/{set_name}/icon.svg")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    assert answer.headers["Content-Type"] == "image/svg+xml; charset=utf-8"


@pytest.mark.parametrize("path", ["/app/icon.svg", f"/app/{ANOTHER_SET}/icon.svg"])
def test_files_under_other_set_name_are_current_and_uncached(instance: Instance, set_name: str, path: str) -> None:
    answer = instance.call("GET", path)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.body == instance.call("GET", f"/app/{set_name}/icon.svg").body


@pytest.mark.parametrize("path", [*PAGES, "/service-worker.js", "/app/icon.svg", "/app/manifest.webmanifest"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_cached_file_is_not_sent_again(instance: Instance, path: str, encoding: str) -> None:
    accepting = {"Accept-Encoding": encoding}
    first = instance.call("GET", path, headers=accepting)
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    assert first.headers["Vary"] == "Accept-Encoding"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = instance.call("GET", path, headers={**accepting, "If-None-Match": known})
        assert (again.status, again.body) == (304, "")
        for header in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy"):
            assert again.headers.get(header) == first.headers.get(header)
    other = instance.call("GET", path, headers={**accepting, "If-None-Match": '"other"'})
    assert (other.status, other.body) == (200, first.body)


@pytest.mark.parametrize("path", [*PAGES, "/service-worker.js", "/app/icon.svg"])
def test_compressed_file_is_smaller_and_identical(instance: Instance, path: str) -> None:
    plain = instance.call("GET", path, headers={"Accept-Encoding": "identity"})
    zipped = instance.call("GET", path, headers={"Accept-Encoding": "gzip"})
    refused = instance.call("GET", path, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert plain.body == zipped.body == refused.body
    assert int(zipped.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert zipped.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("path", [*PAGES, "/service-worker.js", "/app/icon.svg"])
def test_head_tells_what_get_would(instance: Instance, path: str) -> None:
    asked, told = instance.call("GET", path), instance.call("HEAD", path)
    assert (told.status, told.body) == (200, "")
    for header in ("Content-Type", "Content-Length", "Content-Encoding", "ETag", "Cache-Control"):
        assert told.headers[header] == asked.headers[header]


def test_other_origins_may_load_only_files_and_codes(instance: Instance) -> None:
    file = instance.call("GET", "/app/icon.svg").headers
    assert file["Access-Control-Allow-Origin"] == "*"
    assert file["Cross-Origin-Resource-Policy"] == "cross-origin"
    code = instance.call("GET", "/api/party/ABC123/qr.svg").headers
    assert code["Cross-Origin-Resource-Policy"] == "cross-origin"
    for path in ("/", "/health", "/service-worker.js", "/nowhere"):
        headers = instance.call("GET", path).headers
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nothing.js",
        "index.html",
        "__init__.py",
        "package.json",
        "service-worker.js",
        "../../app.py",
        "%2e%2e/%2e%2e/app.py",
        "..%2f__init__.py",
        "..%5c__init__.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "icon.svg%00",
        "icon.svg/",
        "%FF",
        "SET",
        "SET/",
        "SET/index.html",
        "SET/../icon.svg",
        "SET/SET/icon.svg",
    ],
)
def test_other_asset_paths_are_not_found(instance: Instance, set_name: str, path: str) -> None:
    target = f"/app/{path.replace('SET', set_name)}"
    # By hand, since a well-behaved client would tidy the path before it asks.
    answer = send_raw(instance, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 404 " in head.splitlines()[0]
    assert json.loads(body)["reason"] == "not_found"


def test_unknown_file_or_method_is_refused_as_json(instance: Instance) -> None:
    expect_refusal(instance.call("GET", "/app/nothing.js"), 404, "not_found")
    expect_refusal(instance.call("POST", "/app/icon.svg"), 405, "method_not_allowed")


@pytest.mark.parametrize("code", ["ABC123", "abc-123", "%20", "%FF%00", "..%2F..%2Fetc", "%3Cscript%3E", "x" * 500])
def test_any_text_in_the_address_gets_the_page(instance: Instance, page: str, code: str) -> None:
    for path in (f"/p/{code}", f"/p/{code}/wall"):
        answer = instance.call("GET", path)
        assert (answer.status, answer.body) == (200, page)
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_service_worker_knows_set_of_page(instance: Instance, page: str, set_name: str) -> None:
    answer = instance.call("GET", "/service-worker.js")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    found = re.search(r"const SHELL = (\[.*?\]);", answer.body)
    assert found is not None
    shell = json.loads(found[1])
    assert shell[0] == "/"
    assert {address for address in ADDRESS.findall(page) if address.startswith("/app/")} <= set(shell)
    assert all(address.startswith(f"/app/{set_name}/") for address in shell[1:])
    for address in shell:
        assert instance.call("GET", address).status == 200, address


def test_manifest_icons_exist(instance: Instance) -> None:
    answer = instance.call("GET", "/app/manifest.webmanifest")
    assert answer.headers["Content-Type"].startswith("application/manifest+json")
    manifest = json.loads(answer.body)
    assert (manifest["id"], manifest["start_url"], manifest["scope"]) == ("/", "/", "/")
    for icon in manifest["icons"]:
        found = instance.call("GET", f"/app/{icon['src']}")
        assert (found.status, found.headers["Content-Type"].split(";")[0]) == (200, icon["type"])


def test_content_policy_allows_only_own_origin(instance: Instance) -> None:
    policy = instance.call("GET", "/").headers["Content-Security-Policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["worker-src"] == "'self'"
    assert directives["img-src"] == "'self' blob:"
    assert "unsafe" not in policy
    here = f"127.0.0.1:{instance.port}"
    assert directives["connect-src"] == f"'self' ws://{here} wss://{here}"


@pytest.mark.parametrize("host", ["x; script-src *", "x y", "a'b", "[::1]:8080", "*", "", "x" * 300])
def test_host_header_cannot_inject_into_policy(instance: Instance, host: str) -> None:
    policy = instance.call("GET", "/", headers={"Host": host}).headers["Content-Security-Policy"]
    assert "connect-src 'self';" in policy
    assert policy.count("script-src") == 1
