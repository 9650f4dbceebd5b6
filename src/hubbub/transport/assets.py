"""The phone app's files: read once, named by one hash of all files, served from memory.

The page loads `/app/<hash>/<path>`. A relative import in a module so stays within one version, and a browser may cache
every file for ever. These files have no comments and no indentation; `/app/client.js` serves the SDK as it was
written. docs/decisions/0011 gives the reasons.
"""

import gzip
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from aiohttp import web
from rcssmin import cssmin
from rjsmin import jsmin

PREFIX: Final = "/app/"
PAGE: Final = "index.html"
WORKER: Final = "service-worker.js"
MAIN: Final = "main.js"
MODULES_MARKER: Final = "<!-- modules -->"
SHELL_MARKER: Final = "/* shell */"

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
}
_PAGE_TYPE: Final = "text/html; charset=utf-8"
_EXAMPLES: Final = "examples/"
"""Programs that use the SDK: served, but not part of the page."""
_HASH_CHARS: Final = 16
_HASH_AND_PATH: Final = re.compile(rf"[0-9a-f]{{{_HASH_CHARS}}}/(.+)")
_STATIC_IMPORT: Final = re.compile(r"^(?:import|export)\b(?:[^\"';]*?\bfrom)?\s*[\"'](\.[^\"']+)[\"']", re.MULTILINE)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_EACH_TIME: Final = "no-cache"


class Body(NamedTuple):
    """The bytes of one encoding, and their strong ETag."""

    content: bytes
    etag: str


class Asset(NamedTuple):
    """One file, ready to send."""

    content_type: str
    plain: Body
    gzipped: Body | None
    """None if compression does not make the file smaller."""


class Addressed(NamedTuple):
    """The file at an address; `is_exact` if the address has the hash of this version."""

    asset: Asset
    is_exact: bool


class WebApp:
    """All files of the app, from their contents by path; raises KeyError without page or service worker."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        # The hash covers the templates too. Without this, a browser would keep a changed page under the older hash.
        self.hash = _hash_of_all(sources)
        served = sorted(path for path in sources if path not in {PAGE, WORKER})
        self.page_files = [path for path in served if not path.startswith(_EXAMPLES)]
        self._as_written = {path: _asset(_CONTENT_TYPES[_suffix(path)], sources[path]) for path in served}
        self._as_loaded = {path: _asset(_CONTENT_TYPES[_suffix(path)], _slim(path, sources[path])) for path in served}
        modules = _loaded_at_once(sources)
        links = "\n".join(f'<link rel="modulepreload" href="{self._address(path)}">' for path in modules)
        shell = ["/", *map(self._address, self.page_files)]
        self.page = _asset(_PAGE_TYPE, self._filled(sources[PAGE], MODULES_MARKER, links))
        self.worker = _asset(
            _CONTENT_TYPES[".js"],
            self._filled(sources[WORKER], SHELL_MARKER, json.dumps(shell).removeprefix("[").removesuffix("]")),
        )

    def find(self, path: str) -> Addressed | None:
        """Find the file at `path` below `/app/`: with this version's hash, another one, or none."""
        if (named := _HASH_AND_PATH.fullmatch(path)) is not None:
            asset, is_exact = self._as_loaded.get(named[1]), path.startswith(self.hash)
        else:
            asset, is_exact = self._as_written.get(path), False
        return None if asset is None else Addressed(asset, is_exact)

    def _address(self, path: str) -> str:
        return f"{PREFIX}{self.hash}/{path}"

    def _filled(self, template: bytes, marker: str, value: str) -> bytes:
        """Put the hash into every address of the template, and `value` in place of its marker."""
        return template.decode().replace(PREFIX, self._address("")).replace(marker, value).encode()


def read_sources() -> dict[str, bytes]:
    """Read the app's files from the package, by path: files of the served types, and the page."""
    return {
        path: entry.read_bytes()
        for path, entry in _walk(files("hubbub.web"), "")
        if path == PAGE or _suffix(path) in _CONTENT_TYPES
    }


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue  # an editor's backup file, in a checkout
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


def _loaded_at_once(sources: Mapping[str, bytes]) -> list[str]:
    """Return the modules that the page imports statically; it imports screens later."""
    found: set[str] = set()
    waiting = [MAIN]
    while waiting:
        path = waiting.pop()
        if path in found or path not in sources:
            continue
        found.add(path)
        waiting += [
            posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
            for relative in _STATIC_IMPORT.findall(sources[path].decode())
        ]
    return sorted(found)


def _slim(path: str, content: bytes) -> bytes:
    """Remove comments and indentation."""
    if path.endswith(".js"):
        return bytes(jsmin(content))
    return bytes(cssmin(content)) if path.endswith(".css") else content


def _suffix(path: str) -> str:
    return path[path.rfind(".") :] if "." in path else ""


def _hash_of_all(sources: Mapping[str, bytes]) -> str:
    whole = sha256()
    for path in sorted(sources):
        # Hash the lengths too. Without this, another split into paths and contents could have the same hash.
        whole.update(f"{path}\0{len(sources[path])}\0".encode())
        whole.update(sources[path])
    return whole.hexdigest()[:_HASH_CHARS]


def _asset(content_type: str, content: bytes) -> Asset:
    # No time in the header: every instance sends the same bytes with the same ETag.
    zipped = gzip.compress(content, compresslevel=9, mtime=0)
    return Asset(content_type, _body(content), _body(zipped) if len(zipped) < len(content) else None)


def _body(content: bytes) -> Body:
    return Body(content, sha256(content).hexdigest()[:32])


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an `Accept-Encoding` header (RFC 9110, 12.5.3) accepts gzip; `gzip` takes precedence over `*`."""
    admitted: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [parameter.removeprefix("q=") for parameter in parameters if parameter.startswith("q=")]
        admitted[coding] = not (weights and re.fullmatch(r"0(\.0*)?", weights[0]))
    return admitted.get("gzip", admitted.get("*", False))


def asset_response(
    request: web.Request, asset: Asset, headers: Mapping[str, str], *, is_exact: bool = False
) -> web.Response:
    """Respond with the file, or 304 if the caller has it. A file that `is_exact` may be cached for ever."""
    accepted = ",".join(request.headers.getall("Accept-Encoding", ()))
    zipped = asset.gzipped if asset.gzipped is not None and accepts_gzip(accepted) else None
    body = zipped or asset.plain
    sent = {
        "Cache-Control": _FOR_EVER if is_exact else _ASK_EACH_TIME,
        "ETag": f'"{body.etag}"',
        "Vary": "Accept-Encoding",
        **headers,
    }
    # RFC 9110 wants a weak comparison: a proxy may have made the tag weak.
    if any(tag.value in {body.etag, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=sent)
    sent["Content-Type"] = asset.content_type
    if zipped is not None:
        sent["Content-Encoding"] = "gzip"
    return web.Response(body=body.content, headers=sent)
