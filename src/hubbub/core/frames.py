"""Decode a client's frame into commands and invalid messages."""

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from hubbub.core.errors import REFUSALS, Reason
from hubbub.core.json_input import decode_json
from hubbub.core.protocol import Command, Create, ErrorAnswer, Join, RequestId, Watch


class InvalidMessage(msgspec.Struct, frozen=True):
    """A message that cannot be decoded, with the answer. `entering` says that its type is one that enters a party."""

    reason: Reason
    sentence: str | None = None
    request_id: RequestId | None = None
    entering: bool = False


_COMMANDS: Final[Mapping[str, type[Command]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Command)}
_TOO_LONG: Final = re.compile(r"Expected `[^`]*` of length <=")
_DETAIL_CHARS_MAX: Final = 200


def read_frame(frame: str | bytes) -> list[Command | InvalidMessage] | None:
    """Return the messages of a client's frame, or None if it is not a message or an array of them."""
    try:
        decoded = decode_json(frame)
    except (ValueError, RecursionError):
        return None
    messages = decoded if isinstance(decoded, list) else [decoded]
    if not messages or not all(isinstance(message, dict) and isinstance(message.get("t"), str) for message in messages):
        return None
    return [_read_message(message) for message in messages]


def _read_message(message: dict[str, Any]) -> Command | InvalidMessage:
    kind = _COMMANDS.get(message["t"])
    if kind is None:
        return InvalidMessage(Reason.UNKNOWN_MESSAGE, request_id=_request_id(message))
    try:
        return msgspec.convert(message, kind)
    except msgspec.ValidationError as error:
        return _invalid_message(kind, message, str(error), _request_id(message))


def _request_id(message: dict[str, Any]) -> RequestId | None:
    try:
        request_id: RequestId | None = msgspec.convert(message.get("requestId"), RequestId | None)
    except msgspec.ValidationError:
        return None
    return request_id


def _invalid_message(
    kind: type[Command], message: dict[str, Any], error: str, request_id: RequestId | None
) -> InvalidMessage:
    """Return the answer to a validation error. msgspec reports it only as text that ends with the field's path."""
    entering = kind in {Create, Join, Watch}
    sentence = None
    if kind in {Join, Watch} and message.get("code") is None:
        reason = Reason.CODE_REQUIRED
    elif kind in {Join, Watch} and not isinstance(message["code"], str):
        reason = Reason.CODE_INVALID
    elif error.endswith("`$.token`"):
        reason = Reason.TOKEN_INVALID
    else:
        reason = Reason.TOO_LONG if _TOO_LONG.match(error) else Reason.BAD_FIELD
        sentence = f"{REFUSALS[reason].sentence}: {error[:_DETAIL_CHARS_MAX]}"
    return InvalidMessage(reason, sentence, request_id, entering)


def answer_error(
    reason: Reason,
    sentence: str | None = None,
    request_id: RequestId | None = None,
    retry_after_ms: int | None = None,
) -> ErrorAnswer:
    """Return the `ERROR` for `reason`, with the sentence of `REFUSALS` unless `sentence` is given."""
    refusal = REFUSALS[reason]
    return ErrorAnswer(
        request_id=msgspec.UNSET if request_id is None else request_id,
        reason=reason,
        error=sentence or refusal.sentence,
        retryable=refusal.retryable,
        retry_after_ms=msgspec.UNSET if retry_after_ms is None else retry_after_ms,
    )
