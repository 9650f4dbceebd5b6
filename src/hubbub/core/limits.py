"""Every bound of Hubbub in one place, units in the names, their inequalities checked on import."""

from typing import Final

# A party's code. Codes that people type may be any of A-Z0-9; generated ones leave out vowels (no words
# appear by chance) and look-alikes, as RFC 8628 §6.1 recommends for codes typed by hand.
CODE_LENGTH: Final = 6
CODE_DRAWS_MAX: Final = 10

NAME_CHARS_MAX: Final = 50

# A token is the secret that owns a seat; an idempotency key is a secret of the caller's from which the
# host's token is derived.
TOKEN_BITS: Final = 128
IDEMPOTENCY_KEY_CHARS_MIN: Final = 16
IDEMPOTENCY_KEY_CHARS_MAX: Final = 128
IDEMPOTENCY_SECONDS: Final = 600

BODY_BYTES_MAX: Final = 16 * 1024
BODY_SECONDS_MAX: Final = 5.0
REQUEST_ID_CHARS_MAX: Final = 128

# What a caller is promised while the store is down or frozen, and what of it the store may use up: the
# rest is for reading the request and writing the answer on a busy machine.
ANSWER_SECONDS_MAX: Final = 2.0
STORE_BUDGET_SECONDS: Final = 1.5
READINESS_BUDGET_SECONDS: Final = 0.8

# How often an instance asks the store for a sign of life when nobody else does.
PROBE_INTERVAL_SECONDS: Final = 0.5
PROBE_BUDGET_SECONDS: Final = 1.0
RETURN_SECONDS_MAX: Final = 2.0

# How long after a refusal a caller should come back, as `Retry-After` says it.
RETRY_AFTER_SECONDS: Final = 1

# Calls that share one round trip. A create takes the store about 20 µs, so a full batch holds it for
# some 10 ms: long enough to be worth the trip, short enough for the next in line.
BATCH_CALLS_MAX: Final = 512

# A create that waits for replicas is told of their silence this long before its own time is up.
REPLICAS_ANSWER_MARGIN_SECONDS: Final = 0.1

# Parties whose creation was answered as failed though the store may have made them: kept until withdrawn.
WITHDRAWALS_MAX: Final = 10_000
WITHDRAWAL_RETRY_SECONDS: Final = 0.5
# Added to a create's deadline before it is taken back: more than two clocks drift apart meanwhile.
WITHDRAWAL_MARGIN_SECONDS: Final = 0.1

# The embedded engine. Survivors look this often whether its owner has gone.
ENGINE_LOCK_POLL_SECONDS: Final = 0.1
ENGINE_START_SECONDS_MAX: Final = 10.0
ENGINE_STOP_SECONDS_MAX: Final = 2.0
ENGINE_RESTART_PAUSE_SECONDS: Final = 1.0
ENGINE_TIDY_INTERVAL_SECONDS: Final = 600.0
ENGINE_OUTLIVES_SECONDS_MAX: Final = 5.0

DRAIN_SECONDS_MAX: Final = 10.0

assert READINESS_BUDGET_SECONDS < STORE_BUDGET_SECONDS < ANSWER_SECONDS_MAX
assert PROBE_INTERVAL_SECONDS + PROBE_BUDGET_SECONDS < RETURN_SECONDS_MAX
assert ENGINE_STOP_SECONDS_MAX < ENGINE_OUTLIVES_SECONDS_MAX
assert IDEMPOTENCY_KEY_CHARS_MIN <= IDEMPOTENCY_KEY_CHARS_MAX
