"""From a client's frame to the messages in it, each understood or refused."""

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from hubbub.core.errors import REFUSALS, Reason
from hubbub.core.json_input import decode_json
from hubbub.core.protocol import Command, Create, ErrorAnswer, Join, RequestId, Watch


class InvalidMessage(msgspec.Struct, frozen=True):
    """A message that was not understood, and what to answer; `entering` tells that it would have entered a party."""

    reason: Reason
    sentence: str | None = None
    request_id: RequestId | None = None
    entering: bool = False


_COMMANDS: Final[Mapping[str, type[Command]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Command)}
_TOO_LONG: Final = re.compile(r"Expected `[^`]*` of length <=")
_DETAIL_CHARS_MAX: Final = 200


def read_frame(frame: str | bytes) -> list[Command | InvalidMessage] | None:
    """The messages in a client's frame, each understood or refused; None where it is no message at all."""
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
        return _refused(kind, message, str(error), _request_id(message))


def _request_id(message: dict[str, Any]) -> RequestId | None:
    try:
        request_id: RequestId | None = msgspec.convert(message.get("requestId"), RequestId | None)
    except msgspec.ValidationError:
        return None
    return request_id


def _refused(kind: type[Command], message: dict[str, Any], error: str, request_id: RequestId | None) -> InvalidMessage:
    """Why msgspec would not have the message: it tells in words only, with the field's path at the end."""
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


def answer_error(reason: Reason, sentence: str | None = None, request_id: RequestId | None = None) -> ErrorAnswer:
    """The answer to what was refused, with the words of the table unless others are given."""
    refusal = REFUSALS[reason]
    return ErrorAnswer(
        request_id=msgspec.UNSET if request_id is None else request_id,
        reason=reason,
        error=sentence or refusal.sentence,
        retryable=refusal.retryable,
    )
