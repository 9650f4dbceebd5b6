"""The phone app's files: read once, named by one hash of them all, answered from memory.

The page asks for `/app/<hash>/<path>`, so that a relative import in a module stays within the set it came from, and a
browser may keep what it has got for ever. Under that name comments and indentation stay behind; whoever reads the SDK
at `/app/client.js` gets it as it was written. docs/decisions/0011 tells why it is so.
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
"""Programs that use the SDK: served, but no part of the page."""
_HASH_CHARS: Final = 16
_HASH_AND_PATH: Final = re.compile(rf"[0-9a-f]{{{_HASH_CHARS}}}/(.+)")
_STATIC_IMPORT: Final = re.compile(r"^(?:import|export)\b(?:[^\"';]*?\bfrom)?\s*[\"'](\.[^\"']+)[\"']", re.MULTILINE)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_EACH_TIME: Final = "no-cache"


class Body(NamedTuple):
    """The bytes as sent, and a strong ETag of just these bytes: each encoding has its own."""

    content: bytes
    etag: str


class Asset(NamedTuple):
    """One file, ready to send."""

    content_type: str
    plain: Body
    gzipped: Body | None
    """None where compressing does not make it smaller."""


class Addressed(NamedTuple):
    """The file at an address, and whether the address names this very set, so that it can never mean another."""

    asset: Asset
    is_exact: bool


class WebApp:
    """The whole set, from its files' contents by path; raises KeyError without page or service worker."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        # The templates count too: a page that changed must not be kept under the name of an older set.
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
        """The file at `path` below `/app/`: with this set's hash, with another's, or with none."""
        if (named := _HASH_AND_PATH.fullmatch(path)) is not None:
            asset, is_exact = self._as_loaded.get(named[1]), path.startswith(self.hash)
        else:
            asset, is_exact = self._as_written.get(path), False
        return None if asset is None else Addressed(asset, is_exact)

    def _address(self, path: str) -> str:
        return f"{PREFIX}{self.hash}/{path}"

    def _filled(self, template: bytes, marker: str, value: str) -> bytes:
        """The template with the hash in every address, and `value` for its marker."""
        return template.decode().replace(PREFIX, self._address("")).replace(marker, value).encode()


def read_sources() -> dict[str, bytes]:
    """What of the package's web folder makes the app, by path: files of the served types, and the page."""
    return {
        path: entry.read_bytes()
        for path, entry in _walk(files("hubbub.web"), "")
        if path == PAGE or _suffix(path) in _CONTENT_TYPES
    }


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue  # an editor's leavings, in a checkout
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


def _loaded_at_once(sources: Mapping[str, bytes]) -> list[str]:
    """The modules that the page needs to begin with, by its static imports; screens are imported when they are due."""
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
    """The file without what only people read: comments and indentation."""
    if path.endswith(".js"):
        return bytes(jsmin(content))
    return bytes(cssmin(content)) if path.endswith(".css") else content


def _suffix(path: str) -> str:
    return path[path.rfind(".") :] if "." in path else ""


def _hash_of_all(sources: Mapping[str, bytes]) -> str:
    whole = sha256()
    for path in sorted(sources):
        # Lengths, so that no other split into paths and contents reads the same.
        whole.update(f"{path}\0{len(sources[path])}\0".encode())
        whole.update(sources[path])
    return whole.hexdigest()[:_HASH_CHARS]


def _asset(content_type: str, content: bytes) -> Asset:
    # No time in the header, so that every instance sends the same bytes under the same ETag.
    zipped = gzip.compress(content, compresslevel=9, mtime=0)
    return Asset(content_type, _body(content), _body(zipped) if len(zipped) < len(content) else None)


def _body(content: bytes) -> Body:
    return Body(content, sha256(content).hexdigest()[:32])


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header (RFC 9110, 12.5.3) admits gzip; what is said of gzip itself beats `*`."""
    admitted: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [parameter.removeprefix("q=") for parameter in parameters if parameter.startswith("q=")]
        admitted[coding] = not (weights and re.fullmatch(r"0(\.0*)?", weights[0]))
    return admitted.get("gzip", admitted.get("*", False))


def asset_response(
    request: web.Request, asset: Asset, headers: Mapping[str, str], *, is_exact: bool = False
) -> web.Response:
    """The file, or 304 where the caller has it; compressed where that is accepted; to be kept where it `is_exact`."""
    accepted = ",".join(request.headers.getall("Accept-Encoding", ()))
    zipped = asset.gzipped if asset.gzipped is not None and accepts_gzip(accepted) else None
    body = zipped or asset.plain
    sent = {
        "Cache-Control": _FOR_EVER if is_exact else _ASK_EACH_TIME,
        "ETag": f'"{body.etag}"',
        "Vary": "Accept-Encoding",
        **headers,
    }
    # Weak comparison, as RFC 9110 has it here: a proxy may have made the tag weak on the way.
    if any(tag.value in {body.etag, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=sent)
    sent["Content-Type"] = asset.content_type
    if zipped is not None:
        sent["Content-Encoding"] = "gzip"
    return web.Response(body=body.content, headers=sent)
