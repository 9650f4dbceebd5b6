"""Build `docs/protocol.md`: tables from the schemas, prose from `protocol.template.md`."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import Any, Final, get_args

import msgspec

from hubbub.core import limits
from hubbub.core.errors import CLOSINGS, REFUSALS
from hubbub.core.protocol import Answer, Command, Event, RoomMessage, ServerMessage

Schema = dict[str, Any]
Schemas = Mapping[str, Schema]

_WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}


def tag_of(kind: type[msgspec.Struct]) -> str:
    """Return the value of `t` for a message type."""
    return str(kind.__struct_config__.tag)


def reference_page(schemas: Schemas) -> str:
    """Return the whole page; `schemas` are by name."""
    versioned_or_answers = {*get_args(Answer), RoomMessage, *get_args(Event)}
    unversioned = [kind for kind in get_args(ServerMessage) if kind not in versioned_or_answers]
    tables = {
        "commands": _message_table(get_args(Command), schemas),
        "answers": _message_table(get_args(Answer), schemas),
        "room": _message_table([RoomMessage], schemas),
        "events": _message_table(get_args(Event), schemas),
        "unversioned": _message_table(unversioned, schemas),
        "objects": _object_table(schemas),
        "reasons": _reason_table(),
        "close_codes": _close_code_table(),
    }
    template = Template(files("hubbub.transport.schema").joinpath("protocol.template.md").read_text(encoding="utf-8"))
    return template.substitute(tables, **_bounds())


def _bounds() -> dict[str, str]:
    return {name: f"{value:.12g}" for name, value in vars(limits).items() if name.isupper()}


def _table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [heads, ("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _message_table(kinds: Iterable[type[msgspec.Struct]], schemas: Schemas) -> str:
    rows = [(f"`{tag_of(kind)}`", *_row(schemas[kind.__name__], schemas)) for kind in kinds]
    return _table(["message", "fields", "meaning"], rows)


def _object_table(schemas: Schemas) -> str:
    objects = {name: schema for name, schema in schemas.items() if _is_part(schema)}
    return _table(
        ["object", "fields", "meaning"], [(f"`{name}`", *_row(schema, schemas)) for name, schema in objects.items()]
    )


def _is_part(schema: Schema) -> bool:
    """Return whether the schema is an object inside messages, not a message."""
    return schema.get("type") == "object" and "t" not in schema["properties"]


def _reason_table() -> str:
    rows = [
        (f"`{reason}`", refusal.sentence, str(refusal.status), "yes" if refusal.retryable else "no")
        for reason, refusal in REFUSALS.items()
    ]
    return _table(["reason", "sentence", "status", "retryable"], rows)


def _close_code_table() -> str:
    return _table(
        ["code", "name", "meaning"],
        [(str(code.value), f"`{code.name.lower()}`", closing.meaning) for code, closing in CLOSINGS.items()],
    )


def _row(schema: Schema, schemas: Schemas) -> tuple[str, str]:
    """Return the fields and the meaning of a message or an object, without `requestId` and `t`."""
    fields = [
        _field(name, name in schema["required"], field, schemas)
        for name, field in schema["properties"].items()
        if name not in {"t", "requestId"}
    ]
    return "<br>".join(fields), schema["description"]


def _field(name: str, required: bool, schema: Schema, schemas: Schemas) -> str:
    """Describe one field; omit `null` if the field is optional."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if required or choice != {"type": "null"}]
    kinds = _any_of([_kind(choice, schemas) for choice in choices])
    described = [part["description"] for part in (schema, *choices) if "description" in part]
    return f"`{name}{'' if required else '?'}` {kinds}{': ' + described[0] if described else ''}"


def _kind(schema: Schema, schemas: Schemas) -> str:
    match schema:
        case {"$ref": ref}:
            return _reference(str(ref).rpartition("/")[2], schemas)
        case {"enum": values}:
            return _any_of([f"`{value}`" for value in values])
        case {"type": "array", "items": items}:
            return f"list of {_kind(items, schemas)}"
        case {"type": "object", "additionalProperties": values}:
            return f"object of {_kind(values, schemas)}s"
        case _:
            return _WORDS[schema["type"]] + _length(schema) + _range(schema)


def _reference(name: str, schemas: Schemas) -> str:
    if name == "Reason":
        return "one of the [reasons](#reasons)"
    return _kind(schemas[name], schemas) if "enum" in schemas[name] else f"[`{name}`](#objects)"


def _any_of(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _length(schema: Schema) -> str:
    pattern = f" like `{schema['pattern']}`" if "pattern" in schema else ""
    if "minLength" in schema:
        return f" of {schema['minLength']} to {schema['maxLength']} characters{pattern}"
    return f" of at most {schema['maxLength']} characters{pattern}" if "maxLength" in schema else pattern


def _range(schema: Schema) -> str:
    if "minimum" not in schema:
        return ""
    return f" from {schema['minimum']} to {schema['maximum']:.16g}"
