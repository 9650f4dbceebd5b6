"""Generate documents from the protocol's classes, so that they cannot drift from the code.

`/asyncapi.json` is made when an instance starts. `python -m hubbub.transport.schema.schemas FOLDER` writes those
that are kept in the repository.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from hubbub.core.errors import CLOSINGS
from hubbub.core.protocol import Answer, Command, ServerMessage, Welcome
from hubbub.transport.schema.javascript import contract_module
from hubbub.transport.schema.markdown import Schema, reference_page, tag_of

_DEFINITIONS: Final = "#/$defs/"
_SCHEMAS: Final = "#/components/schemas/"
_CHANNEL: Final = "#/channels/ws"
_ABOUT: Final = "Everything that happens in a party, as it happens. A frame is one message, or a batch of them."
_CLOSING: Final = "The connection is closed with one of these. After 4400 to 4499 reconnect; 4500 to 4599 are final:"


def schemas(root: str) -> dict[str, Schema]:
    """Return the schemas of all messages and their parts by name; references start with `root`.

    `ClientMessage` and `ServerMessage` are the unions; a `…Frame` is a message or a `…Batch`.
    """
    _, found = msgspec.json.schema_components([Command, ServerMessage], ref_template=root + "{name}")
    for name in _names(ServerMessage):
        schema = found[name]
        # For msgspec a default means that a reader can do without; what the server says it always says.
        schema["required"] += [field for field, value in schema["properties"].items() if "default" in value]
    for side, union in (("Client", Command), ("Server", ServerMessage)):
        message, batch, frame = f"{side}Message", f"{side}Batch", f"{side}Frame"
        found[message] = {"title": message, "anyOf": _refs(root, _names(union))}
        found[batch] = {"title": batch, "type": "array", "minItems": 1, "items": {"$ref": root + message}}
        found[frame] = {"title": frame, "anyOf": _refs(root, [message, batch])}
    return found


def json_schema() -> Schema:
    """Return a JSON Schema of both sides' frames on `/ws`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Hubbub over WebSocket",
        "description": f"{_ABOUT} Either side's frame is valid here; ClientFrame and ServerFrame tell them apart.",
        "anyOf": _refs(_DEFINITIONS, ["ClientFrame", "ServerFrame"]),
        "$defs": schemas(_DEFINITIONS),
    }


def asyncapi(version: str) -> dict[str, Any]:
    """Return the AsyncAPI document of `/ws`; `version` is the server's."""
    received = [*_names(Command), "ClientBatch"]
    sent = [*_names(ServerMessage), "ServerBatch"]
    answers = [name for name in _names(Answer) if name != Welcome.__name__]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hubbub over WebSocket",
            "version": version,
            "license": {"name": "MIT"},
            "description": f"{_ABOUT} The HTTP interface is described by `/openapi.json`.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "instance": {
                "host": "{host}",
                "protocol": "ws",
                "description": "Any instance; `wss` behind a proxy that ends TLS.",
                "variables": {"host": {"default": "localhost:8080"}},
            }
        },
        "channels": {"ws": _channel([*received, *sent])},
        "operations": {
            "receiveFromClient": {
                "action": "receive",
                "summary": "A client's messages, which take effect in the order sent.",
                **_on_channel(received),
                "reply": _on_channel(answers),
            },
            "sendToClient": {
                "action": "send",
                "summary": "Answers to this client, and what everybody in the party hears.",
                **_on_channel(sent),
            },
        },
        "components": {
            "messages": _messages(),
            "schemas": schemas(_SCHEMAS),
            "correlationIds": {"requestId": {"location": "$message.payload#/requestId"}},
        },
    }


def documents() -> dict[str, str]:
    """Return the generated files of the repository, by their path in it."""
    schema = json_schema()
    text = msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
    return {
        "docs/protocol.schema.json": text + "\n",
        "docs/protocol.md": reference_page(schema["$defs"]),
        "src/hubbub/web/core/contract.js": contract_module(),
    }


def _names(union: object) -> list[str]:
    """Return the class names of a union of messages, in the order of the protocol."""
    return [kind.__name__ for kind in get_args(union)]


def _refs(root: str, names: Iterable[str]) -> list[Schema]:
    return [{"$ref": root + name} for name in names]


def _channel(names: Iterable[str]) -> dict[str, Any]:
    codes = [f"- {code.value} `{code.name.lower()}`: {closing.meaning}" for code, closing in CLOSINGS.items()]
    return {
        "address": "/ws",
        "title": "The live connection",
        "description": "\n".join(["One conversation with one client.", "", _CLOSING, "", *codes]),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }


def _on_channel(names: Iterable[str]) -> dict[str, Any]:
    return {"channel": {"$ref": _CHANNEL}, "messages": _refs(f"{_CHANNEL}/messages/", names)}


def _messages() -> dict[str, Any]:
    messages = {kind.__name__: _message(kind) for kind in (*get_args(Command), *get_args(ServerMessage))}
    for name in ("ClientBatch", "ServerBatch"):
        messages[name] = {
            "name": name,
            "title": "A batch",
            "summary": "A frame of several messages: the same as one after the other.",
            "payload": {"$ref": f"{_SCHEMAS}{name}"},
        }
    return messages


def _message(kind: type[msgspec.Struct]) -> dict[str, Any]:
    message = {
        "name": tag_of(kind),
        "title": tag_of(kind),
        "summary": kind.__doc__,
        "payload": {"$ref": f"{_SCHEMAS}{kind.__name__}"},
    }
    if "request_id" in kind.__struct_fields__:
        message["correlationId"] = {"$ref": "#/components/correlationIds/requestId"}
    return message


def main() -> None:
    """Write the generated files below the repository's folder, the first argument."""
    folder = Path(sys.argv[1])
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
