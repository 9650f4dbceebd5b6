"""`web/core/contract.js`: what JavaScript needs of `core/limits.py` and `core/errors.py`."""

from typing import Final

import msgspec

from hubbub.core import limits
from hubbub.core.errors import CLOSINGS, FINAL_CLOSE_CODES, Reason

_LIMITS: Final = (
    "CODE_LENGTH",
    "NAME_CHARS_MAX",
    "TOKEN_BITS",
    "TOKEN_CHARS_MIN",
    "TOKEN_CHARS_MAX",
    "IDEMPOTENCY_SECONDS",
    "SNAPSHOT_MESSAGES_MAX",
    "FRAME_BYTES_MAX",
    "MESSAGE_OVERHEAD_BYTES_MAX",
    "MESSAGE_CHARS_MAX",
    "FILENAME_CHARS_MAX",
)


def contract_module() -> str:
    """Return the source of the module: limits, reasons and close codes as frozen constants."""
    bounds = "\n".join(f"export const {name} = {getattr(limits, name)};" for name in _LIMITS)
    codes = {code.name: code.value for code in CLOSINGS}
    close_reasons = {code.value: code.name.lower() for code, closing in CLOSINGS.items() if code in FINAL_CLOSE_CODES}
    return f"""/** Limits, reasons and close codes. `make docs` generates this file from `core/limits.py` and `core/errors.py`. */

{bounds}

/** Why something was refused, as `ERROR.reason` and HTTP have it. */
export const REASONS = Object.freeze({_literal([reason.value for reason in Reason])});

export const CLOSE_CODES = Object.freeze({_literal(codes)});

/** Close reasons after which a client must not reconnect by itself, by code. */
export const FINAL_CLOSE_REASONS = Object.freeze({_literal(close_reasons)});

/** Whether a client must not reconnect by itself after `code`. */
export const isFinalCloseCode = (code) => code >= {FINAL_CLOSE_CODES.start} && code < {FINAL_CLOSE_CODES.stop};
"""


def _literal(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
