"""Decode JSON as browsers write it."""

import json
from typing import Any, NoReturn

import msgspec

_decode = msgspec.json.Decoder().decode


def decode_json(text: str | bytes) -> Any:
    """Return the value of `text`; raise ValueError or RecursionError if it is not JSON.

    A browser that cuts a text in the middle of an emoji writes a lone surrogate, which UTF-8 cannot hold. It is
    dropped. Without this, the whole frame would be refused.
    """
    try:
        return _decode(text)
    except msgspec.DecodeError:
        if b"\\u" not in (text.encode() if isinstance(text, str) else text):
            raise
        return _drop_lone_surrogates(json.loads(text, parse_constant=_refuse))


def _drop_lone_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        case list():
            return [_drop_lone_surrogates(item) for item in value]
        case dict():
            return {_drop_lone_surrogates(key): _drop_lone_surrogates(item) for key, item in value.items()}
        case _:
            return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
